import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the server does with one request. */
export type Reaction = (request: IncomingMessage, response: ServerResponse) => void;

/** A server that answers its requests one after the other as the script says, and remembers them. */
export class ScriptedServer {
  readonly requests: { readonly path: string; readonly key: string | undefined }[] = [];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  /** A request beyond the script gets the last reaction again. */
  static async start(script: readonly [Reaction, ...Reaction[]]): Promise<ScriptedServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const scripted = new ScriptedServer(server, `http://127.0.0.1:${port}`);
    server.on('request', (request, response) => {
      const react = script[scripted.requests.length] ?? script[script.length - 1] ?? script[0];
      const key = request.headers['idempotency-key'];
      scripted.requests.push({ path: request.url ?? '', key: typeof key === 'string' ? key : undefined });
      request.resume().once('end', () => react(request, response));
    });
    return scripted;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** Answers with JSON. */
export function answering(status: number, body: unknown, headers: Record<string, string> = {}): Reaction {
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

/** Answers with a problem of the API. */
export function refusing(status: number, code: string, headers: Record<string, string> = {}): Reaction {
  return answering(
    status,
    { code, detail: `It is ${code}.` },
    { 'content-type': 'application/problem+json; charset=utf-8', ...headers },
  );
}

/** Cuts the connection without an answer. */
export const hangingUp: Reaction = (request) => {
  request.socket.destroy();
};
