import { createHmac } from 'node:crypto';
import { Clock } from '#kernel';
import { type Faults, SoftwareAuthenticator } from './software-authenticator.js';
import type { Answer } from './test-app.js';
import { LOGIN, ME, PASSWORD, type SignedIn, type UsersFixture } from './users-fixture.js';

const AUTH = '/api/v1/auth';
export const SECOND_FACTOR = `${AUTH}/second-factor`;
export const STEP_UP = `${AUTH}/step-up`;
const STEP_UP_OPTIONS = `${STEP_UP}/passkey-options`;
export const PASSKEY_LOGIN = `${AUTH}/passkey`;
export const PASSKEY_LOGIN_OPTIONS = `${PASSKEY_LOGIN}/options`;
export const STATUS = `${ME}/second-factor`;
export const TOTP = `${ME}/totp`;
export const CONFIRM_TOTP = `${TOTP}/confirm`;
export const RECOVERY_CODES = `${ME}/recovery-codes`;
export const PASSKEYS = `${ME}/passkeys`;
export const PASSKEY_OPTIONS = `${PASSKEYS}/options`;

export const STEP_MS = 30_000;

/** An authenticator app that knows one secret. It is written for this test, from RFC 4226, RFC 4648 and RFC 6238. */
export class AuthenticatorApp {
  private readonly key: Buffer;

  constructor(base32: string) {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
    const bits = Array.from(base32, (letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join(
      '',
    );
    this.key = Buffer.from(bits.match(/.{8}/g)!.map((octet) => Number.parseInt(octet, 2)));
  }

  /** The code at a time. */
  code(time: Date): string {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(Math.floor(time.getTime() / STEP_MS)));
    const mac = createHmac('sha1', this.key).update(counter).digest();
    const offset = mac.at(-1)! & 0x0f;
    return ((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).toString().padStart(6, '0');
  }
}

/** Somebody with an authenticator app. */
export interface WithApp extends SignedIn {
  readonly app: AuthenticatorApp;
  readonly recoveryCodes: string[];
}

/** Somebody with a passkey. */
export interface WithPasskey extends SignedIn {
  readonly device: SoftwareAuthenticator;
  readonly passkeyId: string;
  readonly recoveryCodes: string[] | null;
}

/** What the tests of second factors do again and again. */
export class SecondFactorFixture {
  constructor(private readonly users: UsersFixture) {}

  post(path: string, body: object, by?: SignedIn): Promise<Answer> {
    return this.users.app.post(path, body, { token: by?.token });
  }

  remove(path: string, body: object, by: SignedIn): Promise<Answer> {
    return this.users.app.call('DELETE', path, { body, token: by.token });
  }

  login({ email }: SignedIn, password = PASSWORD): Promise<Answer> {
    return this.users.app.post(LOGIN, { email, password });
  }

  /** The code that an app shows, so many half minutes from now. */
  code({ app }: { app: AuthenticatorApp }, steps = 0): string {
    const now = this.users.app.app.get(Clock).now();
    return app.code(new Date(now.getTime() + steps * STEP_MS));
  }

  /** Begins with an app whose first code has not come yet. */
  async pendingApp(person: SignedIn): Promise<AuthenticatorApp> {
    const { status, body } = await this.post(TOTP, { password: PASSWORD }, person);
    expect(status).toBe(200);
    return new AuthenticatorApp(body.secret);
  }

  /**
   * Adds an app, with the code of the half minute before: that of now is left for the test. Their access token is that
   * of before, which knows of one factor.
   */
  async withApp(person?: SignedIn): Promise<WithApp> {
    const owner = person ?? (await this.users.registered());
    const app = await this.pendingApp(owner);
    const confirm = () => this.post(CONFIRM_TOTP, { totp: this.code({ app }, -1) }, owner);
    let { status, body } = await confirm();
    // A half minute that ends on the way makes it the code of two before.
    if (status === 403) ({ status, body } = await confirm());
    expect({ status, body }).toMatchObject({ status: 200 });
    const { refreshToken } = body.tokens as SignedIn;
    return { ...owner, refreshToken, app, recoveryCodes: body.recoveryCodes as string[] };
  }

  /** Asks for options and has the device make a passkey of them. */
  async attest(person: SignedIn, device: SoftwareAuthenticator, faults?: Faults) {
    const { status, body } = await this.post(PASSKEY_OPTIONS, { password: PASSWORD }, person);
    expect(status).toBe(200);
    return device.create(body, faults);
  }

  /** The same with a passkey. */
  async withPasskey(person?: SignedIn, device = new SoftwareAuthenticator()): Promise<WithPasskey> {
    const owner = person ?? (await this.users.registered());
    const passkey = await this.attest(owner, device);
    const { status, body } = await this.post(PASSKEYS, { name: 'Phone', passkey }, owner);
    expect({ status, body }).toMatchObject({ status: 201 });
    const { refreshToken } = body.tokens as SignedIn;
    const { recoveryCodes, passkey: added } = body as { recoveryCodes: string[]; passkey: { id: string } };
    return { ...owner, refreshToken, device, passkeyId: added.id, recoveryCodes };
  }

  /** The password of somebody with a second factor: the problem that asks for it. */
  async challenged(person: SignedIn): Promise<Answer['body']> {
    const { status, body } = await this.login(person);
    expect({ status, code: body.code }).toEqual({ status: 403, code: 'second_factor_required' });
    return body;
  }

  /** Logs in with the password and this proof. */
  async finish(person: SignedIn, proof: object): Promise<Answer> {
    const { challengeToken } = await this.challenged(person);
    return this.post(SECOND_FACTOR, { challengeToken, ...proof });
  }

  /** Has a device sign for a step-up. */
  async assertion(person: SignedIn, device: SoftwareAuthenticator, faults?: Faults) {
    const { status, body } = await this.users.app.call('POST', STEP_UP_OPTIONS, { token: person.token });
    expect(status).toBe(200);
    return device.get(body, faults);
  }

  /** Raises a session; the person with the tokens that it gives. */
  async raised<T extends SignedIn>(person: T, proof: object): Promise<T> {
    const { status, body } = await this.post(STEP_UP, proof, person);
    expect({ status, body }).toMatchObject({ status: 200 });
    const { accessToken: token, refreshToken } = body as { accessToken: string; refreshToken: string };
    return { ...person, token, refreshToken };
  }

  /** Logs in without a password. */
  async loginWithPasskey(device: SoftwareAuthenticator, faults?: Faults): Promise<Answer> {
    const { body } = await this.users.app.call('POST', PASSKEY_LOGIN_OPTIONS);
    return this.post(PASSKEY_LOGIN, { passkey: device.get(body, faults) });
  }

  /** The subjects of the mails to somebody, sorted. */
  async subjects({ email }: SignedIn): Promise<string[]> {
    return (await this.users.mailsTo(email)).map(({ subject }) => subject).sort();
  }
}
