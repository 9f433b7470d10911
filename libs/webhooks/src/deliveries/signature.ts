import { createHmac } from 'node:crypto';

/**
 * The value of `webhook-signature` as Standard Webhooks has it: one signature for each key, divided by spaces. A
 * partner takes the webhook for genuine when any of them is right.
 */
export function signatureOf(
  keys: readonly Buffer[],
  id: string,
  timestampSeconds: number,
  body: string,
): string {
  return keys
    .map((key) => createHmac('sha256', key).update(`${id}.${timestampSeconds}.${body}`).digest('base64'))
    .map((signature) => `v1,${signature}`)
    .join(' ');
}
