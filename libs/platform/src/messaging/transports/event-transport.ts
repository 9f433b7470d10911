import type { OnApplicationShutdown } from '@nestjs/common';
import type { IntegrationEvent } from '../event.js';

/** Who reads: its name is remembered by the transport, and the processes that use it share the events. */
export interface ConsumerGroup {
  readonly name: string;
  readonly types: readonly string[] | 'all';
}

/** Whether a group is for an event. Whoever wants all gets those of types, too, that only a newer version knows. */
export function isWanted({ types }: ConsumerGroup, { type }: IntegrationEvent): boolean {
  return types === 'all' || types.includes(type);
}

/**
 * Takes events that arrived. Whatever of them cannot be applied it puts aside; it fails only when that cannot be done,
 * and then all of them are to be brought again.
 */
export type EventHandler = (events: readonly IntegrationEvent[]) => Promise<void>;

export interface Subscription {
  /** Takes nothing more, and resolves when what was taken is applied and acknowledged, or `graceMs` have passed. */
  stop(graceMs: number): Promise<void>;
}

/**
 * What brings events from the relay to consumers, in this process and in others: at least once, and those of an
 * aggregate in their order.
 */
export abstract class EventTransport implements OnApplicationShutdown {
  /** As EVENTS_TRANSPORT names it. */
  abstract readonly name: string;

  /**
   * Has these groups get whatever is handed over from now on, also where nobody reads for them yet. One that has begun
   * stays where it is. It is quick when nothing is to be done, so that it can be asked for before anything is handed
   * over.
   */
  abstract register(groups: readonly ConsumerGroup[]): Promise<void>;

  /**
   * Hands over events, in order. Resolves once they are kept durably; when it fails, some of them may be, and all are
   * to be handed over again.
   */
  abstract publish(events: readonly IntegrationEvent[]): Promise<void>;

  /**
   * Has `handle` called with events of these types: those that were handed over since the group was registered, which
   * it is by that at the latest, and not handled yet. Of an aggregate, no event is handed over before the ones that came earlier are handled.
   */
  abstract subscribe(group: ConsumerGroup, handle: EventHandler): Promise<Subscription>;

  /** How many events a group has not handled yet; a transport may count those with it that are not for the group. */
  abstract lag(group: ConsumerGroup): Promise<number>;

  /**
   * The position in the feed up to which all of these groups have read it. Undefined where no group reads the feed: the
   * transport keeps by itself what it was handed.
   */
  feedReadUpTo(_groups: readonly ConsumerGroup[]): Promise<number | undefined> {
    return Promise.resolve(undefined);
  }

  /** @throws Error saying why it cannot bring events at the moment */
  abstract check(): Promise<void>;

  abstract close(): Promise<void>;

  onApplicationShutdown(): Promise<void> {
    return this.close();
  }
}
