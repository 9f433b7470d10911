import { createServer, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** One answer: a status with a body that is sent as JSON unless it is text, or something that is done instead. */
export type CannedAnswer =
  | { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> }
  | ((response: ServerResponse) => void);

export interface CannedServer {
  readonly url: string;
  /** Method and path of every request. */
  readonly requests: string[];
  /** What the next requests are answered, one after the other; the last one is for all that follow. */
  answers: CannedAnswer[];
  readonly close: () => Promise<void>;
}

/** An HTTP server that answers what it is told to, whatever it is asked. */
export async function startCannedServer(): Promise<CannedServer> {
  const canned: { requests: string[]; answers: CannedAnswer[] } = { requests: [], answers: [] };
  const server = createServer((request, response) => {
    canned.requests.push(`${request.method} ${request.url}`);
    request.resume().on('end', () => {
      const answer = canned.answers.length > 1 ? canned.answers.shift() : canned.answers[0];
      if (typeof answer === 'function') answer(response);
      else write(response, answer ?? { status: 500 });
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return Object.assign(canned, { url, close });
}

function write(
  response: ServerResponse,
  { status, body = '', headers = {} }: Exclude<CannedAnswer, (response: ServerResponse) => void>,
): void {
  const isText = typeof body === 'string';
  response
    .writeHead(status, { 'content-type': isText ? 'text/html' : 'application/json', ...headers })
    .end(isText ? body : JSON.stringify(body));
}
