/**
 * What `work` resolves with, unless time is up before. Its signal tells it to begin nothing more; what it yields after
 * that is nobody's.
 *
 * @throws Error saying that `who` does not answer
 */
export async function within<T>(
  ms: number,
  who: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const stopping = new AbortController();
  const timer = setTimeout(() => {
    stopping.abort();
    late.reject(new Error(`${who} has not answered within ${ms} ms.`));
  }, ms);
  try {
    return await Promise.race([work(stopping.signal), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
