/**
 * Why no answer came. Stable, and coarse on purpose: whoever chose the target may read it, and must not learn more of
 * our network than that.
 *
 * - `target_not_allowed`: the URL, or an address that its name leads to, is refused; nothing was connected to
 * - `name_not_resolved`: the name leads to no address
 * - `timed_out`: no connection, or no answer, in time
 * - `connection_failed`: refused, reset, not trusted (TLS), or no HTTP
 */
export type OutboundFailureReason =
  'target_not_allowed' | 'name_not_resolved' | 'timed_out' | 'connection_failed';

/**
 * A call to a target of somebody else got no answer. Whether the target got the request may be unknown.
 */
export class OutboundFailure extends Error {
  constructor(
    readonly reason: OutboundFailureReason,
    options: ErrorOptions = {},
  ) {
    super(`The target was not reached: ${reason}.`, options);
    this.name = 'OutboundFailure';
  }
}

// Of connections, and of look-ups: those that nobody answered, and those that were broken off.
const TIMEOUTS = new Set(['UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT', 'ETIMEOUT', 'ECANCELLED']);

/** What looks up a name: the system, and questions to name servers. */
const LOOK_UPS = /^(getaddrinfo|query[A-Z]\w*)$/;

/** Sorts what a call has thrown. */
export function toOutboundFailure(error: unknown): OutboundFailure {
  if (error instanceof OutboundFailure) return error;
  return new OutboundFailure(reasonOf(error), { cause: error });
}

function reasonOf(error: unknown): OutboundFailureReason {
  const { name, code = '', syscall = '' } = Object(error) as Partial<NodeJS.ErrnoException>;
  if (name === 'TimeoutError' || TIMEOUTS.has(code)) return 'timed_out';
  return LOOK_UPS.test(syscall) ? 'name_not_resolved' : 'connection_failed';
}
