import { within } from '../../resilience/index.js';
import { CONNECT_TIMEOUT_MS } from './bounds.js';

/** A connection that is opened when somebody needs it, and anew after it was lost. */
export class LazyConnection<T> {
  private current: Promise<T> | undefined;
  private isClosed = false;

  /**
   * @param who answers, for messages
   * @param open opens one, or fails and leaves nothing open; it calls `lost` once what it opened is of no use any more,
   *   and gives up when it is told to
   * @param end closes what was opened
   */
  constructor(
    private readonly who: string,
    private readonly open: (lost: () => void, signal: AbortSignal) => Promise<T>,
    private readonly end: (connection: T) => Promise<void>,
  ) {}

  /** @throws Error when it cannot be opened; the next call tries again */
  get(): Promise<T> {
    if (this.isClosed) return Promise.reject(new Error('The connection is closed for good.'));
    if (this.current) return this.current;
    const opening: Promise<T> = within(CONNECT_TIMEOUT_MS, this.who, async (signal) => {
      const connection = await this.open(() => this.forget(opening), signal);
      // Nobody gets one that comes too late, and so nobody else would close it.
      if (signal.aborted) await this.end(connection);
      return connection;
    });
    this.current = opening;
    opening.catch(() => this.forget(opening));
    return opening;
  }

  /** Closes it; the next call of `get` opens another. */
  async drop(): Promise<void> {
    const { current } = this;
    this.current = undefined;
    // One that could not be opened, or is lost already, needs no end.
    await within(CONNECT_TIMEOUT_MS, this.who, async () => current && this.end(await current)).catch(
      () => undefined,
    );
  }

  /** Closes it for good. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.drop();
  }

  private forget(connection: Promise<T>): void {
    if (this.current === connection) this.current = undefined;
  }
}
