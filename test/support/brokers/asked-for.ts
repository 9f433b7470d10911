/** Starting brokers takes minutes: only those that are asked for run. */
const ASKED_FOR = new Set((process.env['STEELYARD_TEST_TRANSPORTS'] ?? '').split(','));

/**
 * Whether tests with a broker run, which says so where they do not.
 *
 * @throws Error when they are asked for and cannot: `without` says why
 */
export function isAskedFor(name: string, without: string | undefined): boolean {
  if (!ASKED_FOR.has(name)) {
    process.stderr.write(`Not run: events through ${name}: STEELYARD_TEST_TRANSPORTS does not name it.\n`);
    return false;
  }
  // Who asks for it would take silence for a proof.
  if (without) throw new Error(`Events through ${name} cannot be tested: ${without}.`);
  return true;
}
