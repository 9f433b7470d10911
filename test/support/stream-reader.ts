import { eventually } from './eventually.js';

export interface ReceivedMessage {
  readonly id: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test says in its expectations what the shape is
  readonly data: any;
}

/** Reads server-sent events as a browser does, over a connection of its own. */
export class StreamReader {
  readonly messages: ReceivedMessage[] = [];
  heartbeats = 0;
  /** What the server last said about coming back. */
  retryMs: number | undefined;
  /** Resolves when the server has ended the stream. */
  readonly ended: Promise<void>;
  hasEnded = false;
  private unread = '';

  private constructor(
    private readonly response: Response,
    private readonly aborter: AbortController,
  ) {
    this.ended = this.read();
    this.ended.catch(() => undefined);
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<StreamReader> {
    const aborter = new AbortController();
    const response = await fetch(url, { headers, signal: aborter.signal });
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
    return new StreamReader(response, aborter);
  }

  get headers(): Headers {
    return this.response.headers;
  }

  get ids(): number[] {
    return this.messages.map(({ id }) => Number(id));
  }

  /** Waits until so many messages are here. */
  received(count: number): Promise<void> {
    return eventually(() => expect(this.messages.length).toBeGreaterThanOrEqual(count));
  }

  close(): void {
    this.aborter.abort();
  }

  private async read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.response.body ?? []) {
      this.unread += decoder.decode(chunk as Uint8Array, { stream: true });
      const blocks = this.unread.split('\n\n');
      this.unread = blocks.pop() ?? '';
      for (const block of blocks) this.take(block);
    }
    this.hasEnded = true;
  }

  private take(block: string): void {
    const fields = new Map<string, string>();
    for (const line of block.split('\n')) {
      const [name = '', ...rest] = line.split(':');
      if (name === '') this.heartbeats += 1;
      else fields.set(name, rest.join(':').trimStart());
    }
    const [id, data, retry] = ['id', 'data', 'retry'].map((name) => fields.get(name));
    if (retry !== undefined) this.retryMs = Number(retry);
    if (id !== undefined && data !== undefined) this.messages.push({ id, data: JSON.parse(data) });
  }
}
