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
/** Those that are told to somebody, and published to nobody. */
const directDefinitions = new Map<string, EventDefinition>();

/** Declares a kind of event, once, in a module's `*.events.ts`. */
export function defineEvent<Data extends object>(
  aggregate: string,
  type: string,
  schema: z.ZodType<Data>,
): EventDefinition<Data> {
  const definition = checked(aggregate, type, schema);
  definitions.set(type, definition);
  return definition;
}

/**
 * Declares a kind of event that is told to whom it is about and is never published: nobody can subscribe to it, and no
 * transport carries it. The contract names it, since whoever gets it reads it like all others.
 */
export function defineDirectEvent<Data extends object>(
  aggregate: string,
  type: string,
  schema: z.ZodType<Data>,
): EventDefinition<Data> {
  const definition = checked(aggregate, type, schema);
  directDefinitions.set(type, definition);
  return definition;
}

function checked<Data extends object>(
  aggregate: string,
  type: string,
  schema: z.ZodType<Data>,
): EventDefinition<Data> {
  if (definitions.has(type) || directDefinitions.has(type)) {
    throw new Error(`The event ${type} is declared twice.`);
  }
  if (!new RegExp(`^steelyard\\.${aggregate}\\.[a-z_]+\\.v\\d+$`).test(type)) {
    throw new Error(`The event ${type} must be named steelyard.${aggregate}.<what happened>.v<version>.`);
  }
  return Object.freeze({ type, aggregate, schema });
}

/** Every kind of event that the loaded modules publish, sorted by type. */
export function registeredEvents(): EventDefinition[] {
  return sorted(definitions);
}

/** Every kind of event that the loaded modules tell to one receiver and do not publish, sorted by type. */
export function directEvents(): EventDefinition[] {
  return sorted(directDefinitions);
}

function sorted(kinds: ReadonlyMap<string, EventDefinition>): EventDefinition[] {
  return [...kinds.values()].sort((a, b) => (a.type < b.type ? -1 : 1));
}

/** Whether a loaded module publishes events of this type. */
export function isEventType(type: string): boolean {
  return definitions.has(type);
}
