import { allowsMulticapture, type Behaviour, methodBehaviour } from '#simulated-gateway';

/** What a bank does after its answer: whoever sends no webhooks could not tell of it. */
const TOLD_LATER = new Set<Behaviour['bank']>(['refund_fails_later', 'dispute']);

/**
 * Whether the sandbox does all that `method` stands for. It sends no webhooks and keeps no books, so it knows neither
 * the methods that show in webhooks alone nor the card of which a second capture is refused.
 */
export function isSandboxMethod(method: string): boolean {
  const steps = methodBehaviour(method);
  if (!steps || !allowsMulticapture(method)) return false;
  return Object.values(steps).every(({ webhooks, bank }) => webhooks === undefined && !TOLD_LATER.has(bank));
}

/** Whether the bank refuses every capture of what `method` has paid. */
export function isCaptureRefused(method: string): boolean {
  return typeof methodBehaviour(method)?.capture?.bank === 'object';
}
