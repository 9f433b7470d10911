import { createHmac } from 'node:crypto';

/** The value of `Stripe-Signature` for `payload`, signed at `at` (milliseconds since 1970). */
export function signatureOf(payload: string, secret: string, at: number): string {
  const timestamp = Math.floor(at / 1_000);
  const digest = createHmac('sha256', secret).update(`${timestamp}.${payload}`).digest('hex');
  return `t=${timestamp},v1=${digest}`;
}
