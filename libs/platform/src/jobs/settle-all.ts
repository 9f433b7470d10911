/**
 * Waits for every task of a batch, so that one that fails does not hold back the others, and then tells of all that
 * failed.
 *
 * @throws AggregateError with the reasons, under `message`
 */
export async function settleAll(tasks: readonly Promise<unknown>[], message: string): Promise<void> {
  const results = await Promise.allSettled(tasks);
  const reasons = results
    .filter((result) => result.status === 'rejected')
    .map(({ reason }) => reason as unknown);
  if (reasons.length > 0) throw new AggregateError(reasons, message);
}
