import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { newId } from '#kernel';

export const ENDPOINTS = '/api/v1/webhook-endpoints';

/** One webhook as it came. */
export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One endpoint of a partner: what it got, and how it answers. */
export interface Inbox {
  readonly url: string;
  readonly received: Received[];
  answer: (response: ServerResponse) => void;
}

/** The server of a partner, with any number of endpoints. */
export class WebhookPartner {
  private readonly inboxes = new Map<string, Inbox>();

  private constructor(
    private readonly server: ReturnType<typeof createServer>,
    readonly origin: string,
  ) {}

  static async start(): Promise<WebhookPartner> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const partner = new WebhookPartner(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on('request', (request, response) => {
      void text(request).then((body) => {
        const inbox = partner.inboxes.get(request.url ?? '');
        inbox?.received.push({ headers: request.headers, body });
        if (inbox) inbox.answer(response);
        else response.writeHead(404).end();
      });
    });
    return partner;
  }

  /** A new endpoint, which answers 204. */
  inbox(): Inbox {
    const path = `/${newId()}`;
    const inbox: Inbox = { url: this.origin + path, received: [], answer: status(204) };
    this.inboxes.set(path, inbox);
    return inbox;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

export function status(code: number, headers: Record<string, string> = {}, body = '') {
  return (response: ServerResponse): void => void response.writeHead(code, headers).end(body);
}
