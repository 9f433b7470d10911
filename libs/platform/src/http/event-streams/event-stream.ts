import { Readable } from 'node:stream';

/** What waits for a reader is at most this: with what no longer fits, the stream ends, and the reader comes again. */
const MAX_WAITING_BYTES = 65_536;
/** How long the last words of a stream may take to arrive. */
const FAREWELL_MS = 5_000;

/** One message of a stream of server-sent events. */
export interface StreamMessage {
  /** The reader comes back with it as `Last-Event-ID`; no line breaks. */
  readonly id: string;
  readonly data: object;
}

/** Server-sent events to one reader, as the HTML standard writes them. What waits for the reader is bounded. */
export class EventStream {
  readonly readable = new Readable({ read: () => undefined });
  private farewell: NodeJS.Timeout | undefined;
  private hasEnded = false;

  /** @param retryMs after how many milliseconds the reader comes back, however the stream ends */
  constructor(retryMs: number) {
    this.readable.once('close', () => clearTimeout(this.farewell));
    // First of all: a connection that breaks has no last words.
    this.push(`retry: ${retryMs}\n\n`);
  }

  /** Whether the stream still was open for the message. One that does not fit ends it, and the reader gets it next time. */
  send({ id, data }: StreamMessage): boolean {
    // JSON has no line breaks, which would end a message.
    return this.push(`id: ${id}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Says that somebody is there, which keeps proxies from taking the silence for death. */
  beat(): void {
    this.push(':\n\n');
  }

  /** Has `listener` called once nobody reads any more. */
  onClose(listener: () => void): void {
    if (this.readable.destroyed) listener();
    else this.readable.once('close', listener);
  }

  /** Ends it when the reader has what waits, or has not taken it in a while. */
  end(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.readable.push(null);
    this.farewell = setTimeout(() => this.cut(), FAREWELL_MS).unref();
  }

  cut(): void {
    this.hasEnded = true;
    this.readable.destroy();
  }

  private push(text: string): boolean {
    if (this.hasEnded) return false;
    const hasRoom = this.readable.readableLength + Buffer.byteLength(text) <= MAX_WAITING_BYTES;
    if (hasRoom) this.readable.push(text);
    else this.end();
    return hasRoom;
  }
}
