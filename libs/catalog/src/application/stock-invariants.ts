import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Database, statement } from '#platform/database';
import { type Breach, breachesBy, changesById, Invariants } from '#platform/invariants';

/** Movements of one product that are added to its running sum in one step: no less than a batch of changes holds. */
const SUM_STEP = 10_000;

const newMovements = statement(
  'catalog.new_stock_movements',
  `SELECT product_id AS subject, coalesce(uuid_extract_timestamp(id), occurred_at) AS at, id
     FROM catalog.stock_movements WHERE id > $1 ORDER BY id LIMIT $2`,
);
const addToSums = statement(
  'catalog.add_to_stock_checkpoints',
  `INSERT INTO catalog.stock_checkpoints AS known (product_id, last_movement_id, on_hand, reserved, received)
   SELECT p.product_id, (array_agg(m.id ORDER BY m.id DESC))[1], sum(m.on_hand_delta), sum(m.reserved_delta),
          sum(CASE WHEN m.kind = 'ship' THEN -m.quantity WHEN m.kind IN ('receive', 'return', 'adjust') THEN m.quantity
                   ELSE 0 END)
     FROM unnest($1::uuid[]) AS p (product_id)
     LEFT JOIN catalog.stock_checkpoints c USING (product_id)
    CROSS JOIN LATERAL (
      SELECT * FROM catalog.stock_movements m
       WHERE m.product_id = p.product_id
         AND m.id > coalesce(c.last_movement_id, '00000000-0000-0000-0000-000000000000')
       ORDER BY m.id LIMIT $2) m
    GROUP BY p.product_id
   ON CONFLICT (product_id) DO UPDATE SET last_movement_id = excluded.last_movement_id,
     on_hand = known.on_hand + excluded.on_hand, reserved = known.reserved + excluded.reserved,
     received = known.received + excluded.received`,
);
const forgetSums = statement(
  'catalog.forget_stock_checkpoints',
  'DELETE FROM catalog.stock_checkpoints WHERE product_id = ANY($1::uuid[])',
);
// A journal that is not summed up to its end yet says nothing about the level.
const levelsUnlikeJournal = statement(
  'catalog.levels_unlike_journal',
  `SELECT s.product_id AS subject, json_build_object('onHand', s.on_hand, 'reserved', s.reserved,
            'journalOnHand', c.on_hand, 'journalReserved', c.reserved, 'received', c.received) AS details
     FROM catalog.stock_levels s LEFT JOIN catalog.stock_checkpoints c USING (product_id)
    WHERE s.product_id = ANY($1::uuid[])
      AND (coalesce(c.on_hand, 0), coalesce(c.received, 0), coalesce(c.reserved, 0))
          IS DISTINCT FROM (s.on_hand, s.on_hand, s.reserved)
      AND NOT EXISTS (SELECT FROM catalog.stock_movements m
            WHERE m.product_id = s.product_id AND m.id > c.last_movement_id)`,
);
const levelsUnlikeReservations = statement(
  'catalog.levels_unlike_reservations',
  `SELECT s.product_id AS subject, json_build_object('onHand', s.on_hand, 'reserved', s.reserved,
            'reservations', held.quantity) AS details
     FROM catalog.stock_levels s, LATERAL (
       SELECT coalesce(sum(quantity - shipped - released), 0) AS quantity FROM catalog.reservations r
        WHERE r.product_id = s.product_id AND r.status IN ('active', 'committed')
          AND r.quantity > r.shipped + r.released) held
    WHERE s.product_id = ANY($1::uuid[]) AND (s.reserved > s.on_hand OR s.reserved <> held.quantity)`,
);

/** What the stock promises, of every product that moved. */
@Injectable()
export class StockInvariants implements OnModuleInit {
  constructor(
    private readonly invariants: Invariants,
    private readonly database: Database,
  ) {}

  onModuleInit(): void {
    const changed = changesById(this.database, newMovements);
    this.invariants.register(
      {
        id: 'stock_matches_journal',
        invariant: 5,
        title: 'Received + returned - shipped + adjusted = on hand, and the journal adds up to the level',
        changed,
        examine: (productIds) => this.compareWithJournal(productIds),
      },
      {
        id: 'stock_matches_reservations',
        invariant: 5,
        title: 'Active and committed reservations = reserved <= on hand',
        changed,
        examine: breachesBy(this.database, levelsUnlikeReservations),
      },
    );
  }

  /**
   * A product's movements are numbered under the lock of its level, so those that can be seen have none missing in
   * between, and their sum can be carried on from where it was. Only a sum that is off is made again from the
   * beginning, before that is called a breach.
   */
  private async compareWithJournal(productIds: readonly string[]): Promise<Breach[]> {
    await this.database.query(addToSums, [productIds, SUM_STEP]);
    const suspects = await this.database.query<Breach>(levelsUnlikeJournal, [productIds]);
    if (suspects.length === 0) return [];
    const suspectIds = suspects.map(({ subject }) => subject);
    await this.database.query(forgetSums, [suspectIds]);
    await this.database.query(addToSums, [suspectIds, null]);
    return this.database.query<Breach>(levelsUnlikeJournal, [suspectIds]);
  }
}
