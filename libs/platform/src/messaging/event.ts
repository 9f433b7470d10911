import type { z } from 'zod';

/**
 * A versioned kind of integration event. Its data holds ids and primitives only: whoever consumes it knows nothing of
 * the module that published it.
 */
export interface EventDefinition<Data extends object = object> {
  /** `steelyard.<aggregate>.<what happened>.v<version>`: `steelyard.order.confirmed.v1`. */
  readonly type: string;
  /** The kind of thing that changed: `order`, `payment`, `product`. */
  readonly aggregate: string;
  readonly schema: z.ZodType<Data>;
}

/** Something that happened to one aggregate. */
export interface IntegrationEvent<Data extends object = object> {
  readonly id: string;
  readonly type: string;
  readonly aggregate: string;
  readonly aggregateId: string;
  /** Counts the events of this aggregate from 1, without gaps: it is the aggregate's version. */
  readonly sequence: number;
  readonly occurredAt: Date;
  /** W3C trace context of what caused it, where there was one. */
  readonly traceparent?: string | undefined;
  readonly data: Data;
}

const definitions = new Map<string, EventDefinition>();

/** Declares a kind of event, once, in a module's `*.events.ts`. */
export function defineEvent<Data extends object>(
  aggregate: string,
  type: string,
  schema: z.ZodType<Data>,
): EventDefinition<Data> {
  if (definitions.has(type)) throw new Error(`The event ${type} is declared twice.`);
  if (!new RegExp(`^steelyard\\.${aggregate}\\.[a-z_]+\\.v\\d+$`).test(type)) {
    throw new Error(`The event ${type} must be named steelyard.${aggregate}.<what happened>.v<version>.`);
  }
  const definition: EventDefinition<Data> = Object.freeze({ type, aggregate, schema });
  definitions.set(type, definition);
  return definition;
}

/** Every kind of event that the loaded modules declare, sorted by type. */
export function registeredEvents(): EventDefinition[] {
  return [...definitions.values()].sort((a, b) => (a.type < b.type ? -1 : 1));
}
