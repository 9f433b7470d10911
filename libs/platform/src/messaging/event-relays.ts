import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { Config } from '../config/index.js';
import { Notifications } from '../database/index.js';
import { PollingLoop } from '../jobs/index.js';
import { EVENTS_APPENDED } from './channels.js';
import { OutboxRelay } from './outbox-relay.js';

/** At work in one process: while one waits for a broker, the other reads. */
const RELAYS = 2;

/** Runs the relays in the process that asks for it, from `start` to `stop`: woken by what happens, and looking besides. */
@Injectable()
export class EventRelays {
  private readonly loops: readonly PollingLoop[];

  constructor(
    relay: OutboxRelay,
    private readonly notifications: Notifications,
    config: Config,
    logger: PinoLogger,
  ) {
    const pollMs = config.settings.WORKER_POLL_MS;
    const job = { name: 'relay-events', pollMs, round: () => relay.relayBatch() };
    this.loops = Array.from({ length: RELAYS }, () => new PollingLoop(job, logger));
  }

  start(): void {
    this.notifications.listen(EVENTS_APPENDED, () => {
      for (const loop of this.loops) loop.wake();
    });
    for (const loop of this.loops) loop.start();
  }

  /** Begins no further batch and waits for those in flight, but not longer than `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    await Promise.all(this.loops.map((loop) => loop.stop(graceMs)));
  }
}
