/** What the driver says of a failure. */
interface DriverError {
  /** An SQLSTATE, or what the system calls a failure of the network. */
  readonly code?: string;
  readonly constraint?: string;
  readonly message?: string;
}

/** The driver's error in what was thrown: TypeORM wraps it, the named statements throw it bare. */
export function driverErrorOf(thrown: unknown): DriverError {
  if (typeof thrown !== 'object' || thrown === null) return {};
  return (thrown as { driverError?: DriverError }).driverError ?? thrown;
}
