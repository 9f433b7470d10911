import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import type { Call, Reply } from '#simulated-gateway';
import type { WebhookSender } from '../webhooks/webhook-sender.js';
import { errorJson } from './wire.js';

/** How long a request hangs at most: whoever asked has given up long before. */
const LONGEST_HANG_MS = 120_000;

/** Answers as `reply` says, or does not, and sends its webhooks before or after. */
export async function carryOut<T>(
  reply: Reply<T>,
  call: Call,
  toJson: (result: T) => object,
  http: FastifyReply,
  webhooks: WebhookSender,
): Promise<void> {
  await webhooks.send(reply.webhooks.filter(({ isBeforeResponse }) => isBeforeResponse));
  const later = reply.webhooks.filter(({ isBeforeResponse }) => !isBeforeResponse);
  if (reply.ending === 'answered') http.raw.once('close', () => void webhooks.send(later));
  else void webhooks.send(later);

  if (reply.delayMs > 0) await delay(reply.delayMs);
  switch (reply.ending) {
    case 'answered':
      await answer(reply, call, toJson, http);
      return;
    case 'hangs':
      hang(http);
      return;
    case 'reset':
      http.hijack();
      http.raw.socket?.resetAndDestroy();
  }
}

async function answer<T>(
  { executed, isReplay }: Reply<T>,
  { key }: Call,
  toJson: (result: T) => object,
  http: FastifyReply,
): Promise<void> {
  if (key !== undefined) http.header('idempotency-key', key);
  if (isReplay) http.header('idempotent-replayed', 'true');
  if ('result' in executed) await http.send(toJson(executed.result));
  else await http.status(executed.refusal.details.status).send(errorJson(executed.refusal));
}

function hang(http: FastifyReply): void {
  http.hijack();
  const timer = setTimeout(() => http.raw.destroy(), LONGEST_HANG_MS);
  http.raw.once('close', () => clearTimeout(timer));
}
