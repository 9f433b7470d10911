import { Readable } from 'node:stream';

/** What waits for a reader beyond this is too much: whoever reads as slowly is cut off, and may come again. */
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

  constructor() {
    this.readable.once('close', () => clearTimeout(this.farewell));
  }

  send({ id, data }: StreamMessage): void {
    // JSON has no line breaks, which would end a message.
    this.push(`id: ${id}\ndata: ${JSON.stringify(data)}\n\n`);
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

  /** Ends it, and has the reader come back after so many milliseconds. */
  end(retryMs: number): void {
    if (this.hasEnded) return;
    this.push(`retry: ${retryMs}\n\n`);
    this.hasEnded = true;
    this.readable.push(null);
    this.farewell = setTimeout(() => this.cut(), FAREWELL_MS).unref();
  }

  cut(): void {
    this.hasEnded = true;
    this.readable.destroy();
  }

  private push(text: string): void {
    if (this.hasEnded) return;
    this.readable.push(text);
    if (this.readable.readableLength > MAX_WAITING_BYTES) this.cut();
  }
}
