/**
 * What went wrong, in the terms of the caller. Each transport maps a kind to its own status once, and nothing else
 * does: REST in platform/http.
 */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'payment_required'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'conflict'
  | 'gone'
  | 'precondition_failed'
  | 'payload_too_large'
  | 'unsupported_media_type'
  | 'unprocessable'
  | 'precondition_required'
  | 'too_many_requests'
  | 'internal'
  | 'unavailable'
  | 'deadline_exceeded';

/** One entry of the registry of error codes. `code` is stable: clients branch on it. */
export interface ErrorDefinition<Code extends string = string> {
  readonly code: Code;
  readonly kind: ErrorKind;
  readonly title: string;
}

/**
 * One problem of a request. `pointer` is a JSON pointer into the body; in front of one into another part of the request
 * stands which part that is: `query:/limit`, `param:/id`, `header:/If-Match`. `code` is a field code or the code of an
 * error.
 */
export interface FieldError {
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
}

export interface DomainErrorOptions {
  /** What happened this time, in a sentence that may be shown to the caller. Defaults to the title. */
  readonly detail?: string;
  /** Further members of the answer, such as the stock that is left per line. */
  readonly extensions?: Readonly<Record<string, unknown>>;
  readonly errors?: readonly FieldError[];
  /** How long the caller should wait before trying again. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** The one error type that may cross a module's boundary on purpose. Anything else that is thrown is a defect. */
export class DomainError extends Error {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly title: string;
  readonly extensions: Readonly<Record<string, unknown>>;
  readonly errors: readonly FieldError[];
  readonly retryAfterSeconds: number | undefined;

  constructor(definition: ErrorDefinition, options: DomainErrorOptions = {}) {
    super(options.detail ?? definition.title, { cause: options.cause });
    this.name = 'DomainError';
    this.code = definition.code;
    this.kind = definition.kind;
    this.title = definition.title;
    this.extensions = options.extensions ?? {};
    this.errors = options.errors ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

const registry = new Map<string, ErrorDefinition>();

/**
 * Declares the error codes of a module and enters them into the one registry that every transport and the
 * documentation read. A code has one meaning: declaring it twice throws when the module loads.
 */
export function defineErrors<const T extends Record<string, Omit<ErrorDefinition, 'code'>>>(
  definitions: T,
): { readonly [Code in keyof T & string]: ErrorDefinition<Code> } {
  const entries = Object.entries(definitions).map(([code, { kind, title }]) => {
    if (registry.has(code)) throw new Error(`The error code ${code} is declared twice.`);
    const definition: ErrorDefinition = Object.freeze({ code, kind, title });
    registry.set(code, definition);
    return [code, definition] as const;
  });
  return Object.fromEntries(entries) as { readonly [Code in keyof T & string]: ErrorDefinition<Code> };
}

/** Every error code that the loaded modules declare, sorted by code. */
export function registeredErrors(): ErrorDefinition[] {
  return [...registry.values()].sort((a, b) => a.code.localeCompare(b.code));
}
