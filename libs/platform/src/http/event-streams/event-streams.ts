import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Clock, DomainError } from '#kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Config } from '../../config/index.js';
import { currentActor } from '../../context/index.js';
import { Lifecycle } from '../../lifecycle/index.js';
import { addressBlock, callerAddress, credentialExpiryMs, principalOf } from '../../security/index.js';
import { Metrics } from '../../telemetry/index.js';
import { httpErrors } from '../http.errors.js';
import { noteStream } from '../request-state.js';
import { EventStream } from './event-stream.js';

/** Whose stream ends comes back at some time between these, so that not all of them come at once. */
const SOONEST_RETRY_MS = 1_000;
const LATEST_RETRY_MS = 5_000;
const FULL_RETRY_AFTER_SECONDS = 30;

interface OpenStream {
  readonly stream: EventStream;
  readonly principal: string;
  readonly addressBlock: string;
  /** When its reader has to show anew that it may read. */
  readonly endsAt: number;
}

/**
 * The streams of server-sent events that this process has open: so many in all, for each caller and for each address,
 * for accounts are free and addresses are not. None lasts longer than its caller's token, or than an access token of
 * ours lives; they are kept alive by heartbeats, and ended when the process drains.
 */
@Injectable()
export class EventStreams implements OnModuleInit, OnModuleDestroy {
  private readonly open = new Set<OpenStream>();
  private heartbeat: NodeJS.Timeout | undefined;

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly lifecycle: Lifecycle,
    private readonly metrics: Metrics,
  ) {}

  onModuleInit(): void {
    this.lifecycle.onDrain(() => this.endAll());
    const beatMs = this.config.settings.EVENT_STREAM_HEARTBEAT_SECONDS * 1_000;
    this.heartbeat = setInterval(() => this.beat(), beatMs).unref();
  }

  /** Whoever stops without draining still has its readers go in peace. */
  onModuleDestroy(): void {
    clearInterval(this.heartbeat);
    this.endAll();
  }

  /**
   * Takes a place for a stream to the caller. Nothing is sent before `start`, so until then the call can still fail as
   * any other; the place is free again when the stream or the connection has come to its end.
   *
   * @throws DomainError too_many_event_streams, or service_unavailable when the process has no place left
   */
  reserve(request: FastifyRequest, reply: FastifyReply): EventStream {
    const address = callerAddress(request);
    const principal = principalOf(currentActor(), address);
    const block = addressBlock(address);
    const { settings } = this.config;
    if (this.open.size >= settings.EVENT_STREAMS_MAX) {
      throw new DomainError(httpErrors.service_unavailable, { retryAfterSeconds: FULL_RETRY_AFTER_SECONDS });
    }
    const open = [...this.open];
    const ofCaller = open.filter((other) => other.principal === principal).length;
    const ofAddress = open.filter((other) => other.addressBlock === block).length;
    if (
      ofCaller >= settings.EVENT_STREAMS_MAX_PER_CALLER ||
      ofAddress >= settings.EVENT_STREAMS_MAX_PER_ADDRESS
    ) {
      throw new DomainError(httpErrors.too_many_event_streams);
    }

    const longestMs = settings.ACCESS_TOKEN_TTL_SECONDS * 1_000;
    const endsAt = Math.min(
      this.clock.now().getTime() + longestMs,
      credentialExpiryMs(request) ?? Number.POSITIVE_INFINITY,
    );
    const place: OpenStream = { stream: new EventStream(retryMs()), principal, addressBlock: block, endsAt };
    // Whoever has gone since takes no place: nothing would tell that it is free.
    if (reply.raw.destroyed) {
      place.stream.cut();
      return place.stream;
    }
    this.open.add(place);
    this.metrics.setEventStreams(this.open.size);
    place.stream.onClose(() => {
      this.open.delete(place);
      this.metrics.setEventStreams(this.open.size);
    });
    reply.raw.once('close', () => place.stream.cut());
    return place.stream;
  }

  /**
   * Begins the answer. From here on the deadline of the request does not count.
   *
   * @throws DomainError service_unavailable when the stream has come to its end before its beginning
   */
  start(stream: EventStream, request: FastifyRequest, reply: FastifyReply): void {
    if (reply.raw.destroyed) return;
    if (stream.readable.destroyed) {
      throw new DomainError(httpErrors.service_unavailable, { retryAfterSeconds: FULL_RETRY_AFTER_SECONDS });
    }
    noteStream(request, reply);
    // Proxies that collect an answer before they pass it on would keep it for ever.
    void reply.header('Content-Type', 'text/event-stream').header('X-Accel-Buffering', 'no');
    void reply.send(stream.readable);
    // Whoever came all the same is sent to another process.
    if (this.lifecycle.isDraining) stream.end();
  }

  private beat(): void {
    const now = this.clock.now().getTime();
    for (const { stream, endsAt } of this.open) {
      if (now >= endsAt) stream.end();
      else stream.beat();
    }
  }

  private endAll(): void {
    for (const { stream } of this.open) stream.end();
  }
}

function retryMs(): number {
  return Math.round(SOONEST_RETRY_MS + Math.random() * (LATEST_RETRY_MS - SOONEST_RETRY_MS));
}
