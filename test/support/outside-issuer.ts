import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose';
import { newId } from '#kernel';

export const AUDIENCE = 'https://shop.example.com/api';

interface IssuerKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

/** How the issuer is: it answers, breaks the connection, fails, says nothing, speaks for another, or sends elsewhere. */
type Mood = 'well' | 'away' | 'failing' | 'silent' | 'lying' | 'moved';

/** Where it answers that is moved. */
const ELSEWHERE = '/elsewhere';

/** An OpenID provider: discovery, keys and user info over HTTP, and the tokens that it signs. */
export class OutsideIssuer {
  mood: Mood = 'well';
  /** Paths of what it was asked, oldest first. */
  readonly requests: string[] = [];
  /** What it says of the holder of any token, now or later; undefined: it refuses to. */
  userInfo: object | Promise<object> | undefined;
  /** What it says of itself beside, or instead. */
  metadata: object = {};
  /** Where it says that its keys are. */
  keysPath = '/keys';
  private readonly keys: IssuerKey[] = [];

  private constructor(
    readonly url: string,
    private readonly stopServer: () => Promise<void>,
  ) {}

  static async start(): Promise<OutsideIssuer> {
    const server = createServer((request, response) => issuer.answer(request.url ?? '', response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const issuer = new OutsideIssuer(
      `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      async () => {
        server.closeAllConnections();
        server.close();
        await once(server, 'close');
      },
    );
    await issuer.rotate();
    return issuer;
  }

  get settings() {
    return { OIDC_ISSUER: this.url, OIDC_AUDIENCE: AUDIENCE };
  }

  /** Signs with a new key from now on; the old ones stay known unless they are withdrawn. */
  async rotate({ withdrawing = false, alg = 'ES256' } = {}): Promise<void> {
    if (withdrawing) this.keys.length = 0;
    this.keys.unshift({ kid: newId(), ...(await generateKeyPair(alg)) });
  }

  /** The claims of a good token. */
  claims(more: JWTPayload = {}): JWTPayload {
    // By the clock that tokens are read with: tests have `Date.now` run ahead for those who wait.
    const now = Math.floor(new Date().getTime() / 1_000);
    const who = { sub: newId(), email: `${newId()}@example.com`, email_verified: true, name: 'Ada Lovelace' };
    return { iss: this.url, aud: AUDIENCE, ...who, iat: now, exp: now + 600, ...more };
  }

  /** A good token, but for what is said. */
  async token(
    claims: JWTPayload = {},
    header: Partial<JWTHeaderParameters> = {},
    key: CryptoKey | Uint8Array = this.newest.privateKey,
  ): Promise<string> {
    return new SignJWT(this.claims(claims))
      .setProtectedHeader({ alg: 'ES256', kid: this.newest.kid, typ: 'at+jwt', ...header })
      .sign(key);
  }

  /** The key that it signs with, as everybody sees it. */
  async publicJwk(): Promise<object> {
    return this.jwkOf(this.newest);
  }

  stop(): Promise<void> {
    return this.stopServer();
  }

  private get newest(): IssuerKey {
    const [newest] = this.keys;
    if (!newest) throw new Error('The issuer has no key.');
    return newest;
  }

  private async jwkOf({ kid, publicKey }: IssuerKey): Promise<object> {
    return { ...(await exportJWK(publicKey)), kid, use: 'sig' };
  }

  private answer(path: string, response: ServerResponse): void {
    this.requests.push(path);
    if (this.mood === 'silent') return;
    if (this.mood === 'away') response.destroy();
    else if (this.mood === 'failing') response.writeHead(503).end('<html>');
    else if (this.mood === 'moved' && !path.startsWith(ELSEWHERE))
      response.writeHead(302, { location: ELSEWHERE + path }).end();
    else void this.contentOf(path.replace(ELSEWHERE, '')).then((content) => write(response, content));
  }

  private async contentOf(path: string): Promise<object | undefined> {
    switch (path) {
      case '/.well-known/openid-configuration':
        return {
          issuer: this.mood === 'lying' ? 'https://login.example.com' : this.url,
          jwks_uri: this.url + this.keysPath,
          userinfo_endpoint: `${this.url}/userinfo`,
          ...this.metadata,
        };
      case '/keys':
        return { keys: await Promise.all(this.keys.map((key) => this.jwkOf(key))) };
      case '/userinfo':
        return this.userInfo;
      default:
        return undefined;
    }
  }
}

function write(response: ServerResponse, content: object | undefined): void {
  const status = content ? 200 : 401;
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(content ?? {}));
}
