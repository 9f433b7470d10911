import { type Dispute, DISPUTE_TRANSITIONS, holdsMoney, nextDisputeStatus } from './dispute.js';
import { disputeEntry, disputeReversalEntry } from './ledger.js';
import type { Consequence, PaymentState } from './payment-state.js';
import { TrackedMap } from './tracked-map.js';

/** The disputes about one payment, and what the banks hold because of them. */
export class DisputeBook {
  private readonly disputes: TrackedMap<Dispute>;

  constructor(loaded: readonly Dispute[]) {
    this.disputes = new TrackedMap(loaded.map((dispute) => [dispute.gatewayId, dispute]));
  }

  get changed(): ReadonlyMap<string, Dispute> {
    return this.disputes.changed;
  }

  /**
   * Takes over what a bank says of a dispute, the first time or again. Money leaves when the bank takes it and comes
   * back when the dispute is won.
   *
   * @returns undefined for older news, which change nothing
   */
  track({ disputedAmount }: PaymentState, told: Dispute): Consequence | undefined {
    const known = this.disputes.get(told.gatewayId);
    if (known && (known.status === told.status || !isAhead(known, told))) return undefined;
    const heldBefore = known && holdsMoney(known) ? known.amount : 0;
    const dispute: Dispute = known
      ? {
          ...told,
          id: known.id,
          status: nextDisputeStatus(known.status, told.status),
          // An inquiry may become a dispute about less; what is posted stays what it is about.
          amount: heldBefore > 0 ? known.amount : told.amount,
        }
      : told;
    this.disputes.set(dispute.gatewayId, dispute);
    const held = holdsMoney(dispute) ? dispute.amount : 0;
    return {
      change: known ? 'dispute_updated' : 'disputed',
      difference: { disputedAmount: disputedAmount + held - heldBefore },
      ...(held > heldBefore ? { entry: disputeEntry(dispute.id, held) } : {}),
      ...(held < heldBefore ? { entry: disputeReversalEntry(dispute.id, heldBefore) } : {}),
    };
  }
}

function isAhead(known: Dispute, told: Dispute): boolean {
  return DISPUTE_TRANSITIONS[known.status].includes(told.status);
}
