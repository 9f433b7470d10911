import { setTimeout as delay } from 'node:timers/promises';
import { type KeyedCall, keyedCall } from './caller.js';
import { checkInvariants } from './check-invariants.js';
import { say, writeReport } from './report.js';
import { type Product, Rig } from './rig.js';
import type { Totals } from './totals.js';

const SETTINGS = { GATEWAY_TIMEOUT_MS: '1000', REQUEST_TIMEOUT_MS: '5000' };

const OUTAGE_MS = 60_000;
/** How often the gateway changes between doing what it is asked and not doing it; it answers in neither. */
const TURN_MS = 4_000;
/**
 * The longest pause between two attempts with what is added to it by chance, a lease that a crash has left, and a
 * call with its timeout.
 */
const BOUND_MS = 60_000 * 1.25 + 6_000 + 4_000;

const ORDERS = '/api/v1/orders';
const PAYMENTS = '/api/v1/payments';

/**
 * A gateway that answers nothing, and tells nothing, for a minute: afterwards, with nobody's help, every operation comes to its end
 * within the longest pause of the ladder, and no cent is missing.
 */
export async function runOutage(totals: Totals): Promise<void> {
  const rig = await Rig.start(SETTINGS, { tells: false });
  try {
    const mug = await rig.product(1_250, 1_000);
    const calls = await begin(rig, mug);
    const stopAt = performance.now() + OUTAGE_MS;
    let hasEffect = true;
    const sent = Promise.all(calls.map((call) => rig.caller.send(call)));
    while (performance.now() < stopAt) {
      hasEffect = !hasEffect;
      const behaviour = hasEffect ? 'timeout_after_effect' : 'timeout_before_effect';
      rig.gateway.simulator.follow({ rules: [{ behaviour }] });
      await delay(TURN_MS);
    }
    const answers = await sent;
    rig.gateway.simulator.follow({});
    const recoveredAt = performance.now();
    const isResolved = await rig.drains(BOUND_MS);
    const seconds = (performance.now() - recoveredAt) / 1000;
    const last = await Promise.all(calls.map((call) => rig.caller.finish(call, 5_000)));
    const unfinished = last.filter((answer) => !answer || answer.status >= 300 || answer.status === 202);
    const told = answers.map((answer) => answer?.status ?? 0);
    const isProven = isResolved && unfinished.length === 0;
    const summary = `${calls.length} calls while no call to the gateway was answered for ${OUTAGE_MS / 1000} s; told meanwhile: ${told.join(' ')}; all resolved ${seconds.toFixed(1)} s after the end (bound ${BOUND_MS / 1000} s)`;
    say(`outage: ${isProven ? 'ok' : 'BROKEN'}; ${summary}`);
    if (isProven) totals.passed += 1;
    else totals.failed += 1;
    for (const answer of unfinished) say(`  not resolved: ${JSON.stringify(answer)}`);
    totals.invariants('outage', await checkInvariants(rig));
    await writeReport('outage', `# A minute without the gateway\n\n${summary}.\n`, {
      isProven,
      seconds,
      told,
    });
  } finally {
    await rig.stop();
  }
}

/** Orders in every state from which something is asked of the gateway, and the calls that ask it. */
async function begin(rig: Rig, mug: Product): Promise<KeyedCall[]> {
  const placing = (capture: string) =>
    keyedCall('customer', ORDERS, {
      lines: [{ productId: mug.id, quantity: 2 }],
      payment: { method: 'pm_card_visa', capture },
    });
  const placed = async (capture: string) => {
    const answer = await rig.caller.finish(placing(capture), 10_000);
    if (answer?.status !== 201) throw new Error(`The order was not placed: ${JSON.stringify(answer)}`);
    return answer.body as { id: string; payment: { id: string } };
  };
  const calls: KeyedCall[] = [];
  for (const capture of ['automatic', 'manual', 'on_fulfillment'])
    calls.push(placing(capture), placing(capture));
  for (let round = 0; round < 2; round += 1) {
    const { payment: captured } = await placed('manual');
    const { payment: voided } = await placed('manual');
    const { payment: refunded } = await placed('automatic');
    const { id: canceled } = await placed('automatic');
    calls.push(
      keyedCall('staff', `${PAYMENTS}/${captured.id}/capture`, {}),
      keyedCall('staff', `${PAYMENTS}/${voided.id}/cancel`, {}),
      keyedCall('staff', `${PAYMENTS}/${refunded.id}/refunds`, {}),
      keyedCall('customer', `${ORDERS}/${canceled}/cancel`, {}),
    );
  }
  return calls;
}
