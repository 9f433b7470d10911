import { statement } from '#platform/database';
import { AVAILABILITY_FLOORS } from '../domain/availability.js';
import { RESERVATION_SOURCES } from '../domain/reservation.js';
import { STOCK_MOVEMENT_EFFECTS, type StockMovementKind } from '../domain/stock-level.js';

/*
 * Each statement does a whole step for all products of an order, however many there are, and begins by locking the
 * levels that it changes in the order of their product ids. In all of them $1 is the order, $2 the actor, $3 the
 * request.
 *
 * A level's version counts the changes of its availability, in the UPDATE that makes the change, so that concurrent
 * movements number their events without gaps.
 */

/** The number of the availability in `AVAILABILITIES`, as `availabilityOf` finds it. */
const availabilityClass = (available: string) =>
  `width_bucket(${available}, ARRAY[${AVAILABILITY_FLOORS.join(', ')}]::bigint[])`;

const changesAvailability = (before: string, after: string) =>
  `(${availabilityClass(before)} <> ${availabilityClass(after)})`;

const CHANGED_PRODUCTS = `
  SELECT product_id AS "productId", available_before AS "availableBefore", available, version
    FROM moved WHERE ${changesAvailability('available_before', 'available')}
   ORDER BY 1`;

/** Moves `source (product_id, quantity)`, whose levels are locked, and writes the journal. */
function move(kind: StockMovementKind, source: string): string {
  const { onHand, reserved } = STOCK_MOVEMENT_EFFECTS[kind];
  const gain = `d.quantity * (${onHand - reserved})`;
  return `
   moved AS (
     UPDATE catalog.stock_levels AS s
        SET on_hand = s.on_hand + d.quantity * (${onHand}),
            reserved = s.reserved + d.quantity * (${reserved}),
            version = s.version +
              ${changesAvailability('s.on_hand - s.reserved', `s.on_hand - s.reserved + ${gain}`)}::int
       FROM ${source} AS d
      WHERE s.product_id = d.product_id
     RETURNING s.product_id, d.quantity, s.version, s.on_hand - s.reserved - ${gain} AS available_before,
               s.on_hand - s.reserved AS available
   ),
   ${journal(kind, 'moved')}`;
}

function journal(kind: StockMovementKind, source: string): string {
  const { onHand, reserved } = STOCK_MOVEMENT_EFFECTS[kind];
  return `journaled AS (
     INSERT INTO catalog.stock_movements
       (product_id, kind, quantity, on_hand_delta, reserved_delta, order_id, actor, request_id)
     SELECT product_id, '${kind}', quantity, quantity * (${onHand}), quantity * (${reserved}), $1, $2, $3
       FROM ${source}
   )`;
}

const statusIn = (statuses: readonly string[]) =>
  `status IN (${statuses.map((status) => `'${status}'`).join(', ')})`;

/**
 * A product that is visibly short is refused without queueing for its row's lock: when a product is sold out, the
 * buyers who come too late do not wait behind each other. Whoever gets the locks sees the levels that the holders
 * before left, and all or nothing is granted.
 */
export const reserveStock = statement(
  'catalog.reserve_stock',
  `WITH
   requested AS (
     SELECT * FROM unnest($4::uuid[], $5::bigint[]) AS r (product_id, quantity)
   ),
   visibly_short AS (
     SELECT r.product_id, r.quantity, coalesce(s.on_hand - s.reserved, 0) AS available
       FROM requested r LEFT JOIN catalog.stock_levels s USING (product_id)
      WHERE coalesce(s.on_hand - s.reserved, 0) < r.quantity
   ),
   locked AS MATERIALIZED (
     SELECT s.product_id, r.quantity, s.on_hand - s.reserved AS available
       FROM catalog.stock_levels s JOIN requested r USING (product_id)
      WHERE NOT EXISTS (SELECT FROM visibly_short)
      ORDER BY s.product_id
        FOR UPDATE OF s
   ),
   granted AS MATERIALIZED (
     SELECT product_id, quantity FROM locked
      WHERE NOT EXISTS (SELECT FROM locked WHERE available < quantity)
   ),
   ${move('reserve', 'granted')},
   recorded AS (
     INSERT INTO catalog.reservations (order_id, product_id, quantity, status)
     SELECT $1, product_id, quantity, 'active' FROM moved
   )
   SELECT product_id AS "productId", quantity AS requested, available,
          NULL::bigint AS "availableBefore", NULL::bigint AS version
     FROM visibly_short
   UNION ALL
   SELECT product_id, quantity, available, NULL, NULL FROM locked WHERE available < quantity
   UNION ALL
   SELECT product_id, NULL::bigint, available, available_before, version
     FROM moved WHERE ${changesAvailability('available_before', 'available')}
   ORDER BY 1`,
);

/** No level changes, so none is locked. */
export const commitReservations = statement(
  'catalog.commit_reservations',
  `WITH committed AS (
     UPDATE catalog.reservations SET status = 'committed', resolved_at = now()
      WHERE order_id = $1 AND ${statusIn(RESERVATION_SOURCES.committed)}
     RETURNING product_id, quantity
   ),
   ${journal('commit', 'committed')}
   SELECT FROM committed WHERE false`,
);

function releaseStatement(status: 'released' | 'expired') {
  return statement(
    `catalog.release_reservations_as_${status}`,
    `WITH
     resolved AS (
       UPDATE catalog.reservations
          SET status = '${status}', released = quantity - shipped, resolved_at = now()
        WHERE order_id = $1 AND ${statusIn(RESERVATION_SOURCES[status])} AND quantity > shipped
       RETURNING product_id, released AS quantity
     ),
     locked AS MATERIALIZED (
       SELECT s.product_id, r.quantity
         FROM catalog.stock_levels s JOIN resolved r USING (product_id)
        ORDER BY s.product_id
          FOR UPDATE OF s
     ),
     ${move('release', 'locked')}
     ${CHANGED_PRODUCTS}`,
  );
}

export const releaseReservations = {
  released: releaseStatement('released'),
  expired: releaseStatement('expired'),
} as const;

/** Takes from what is committed and not shipped yet; yields the products of which that is less than asked for. */
export const shipStock = statement(
  'catalog.ship_stock',
  `WITH
   requested AS (
     SELECT * FROM unnest($4::uuid[], $5::bigint[]) AS q (product_id, quantity)
   ),
   held AS MATERIALIZED (
     SELECT r.order_id, r.product_id, q.quantity, r.quantity - r.shipped AS outstanding
       FROM catalog.reservations r JOIN requested q USING (product_id)
      WHERE r.order_id = $1 AND r.status = 'committed'
      ORDER BY r.product_id
        FOR UPDATE OF r
   ),
   short AS (
     SELECT q.product_id, q.quantity, coalesce(h.outstanding, 0) AS available
       FROM requested q LEFT JOIN held h USING (product_id)
      WHERE coalesce(h.outstanding, 0) < q.quantity
   ),
   locked AS MATERIALIZED (
     SELECT h.order_id, s.product_id, h.quantity
       FROM catalog.stock_levels s JOIN held h USING (product_id)
      WHERE NOT EXISTS (SELECT FROM short)
      ORDER BY s.product_id
        FOR UPDATE OF s
   ),
   ${move('ship', 'locked')},
   shipped AS (
     UPDATE catalog.reservations AS r SET shipped = r.shipped + l.quantity
       FROM locked AS l
      WHERE r.order_id = l.order_id AND r.product_id = l.product_id
   )
   SELECT product_id AS "productId", quantity AS requested, available FROM short ORDER BY 1`,
);

export const returnStock = statement(
  'catalog.return_stock',
  `WITH
   locked AS MATERIALIZED (
     SELECT s.product_id, r.quantity
       FROM catalog.stock_levels s JOIN unnest($4::uuid[], $5::bigint[]) AS r (product_id, quantity) USING (product_id)
      ORDER BY s.product_id
        FOR UPDATE OF s
   ),
   ${move('return', 'locked')}
   ${CHANGED_PRODUCTS}`,
);

export const lockLevel = statement(
  'catalog.lock_stock_level',
  `SELECT on_hand AS "onHand", reserved FROM catalog.stock_levels WHERE product_id = $1 FOR UPDATE`,
);

/** Applies one movement of one product, whose level is locked. */
export const applyMovement = statement(
  'catalog.apply_stock_movement',
  `WITH
   moved AS (
     UPDATE catalog.stock_levels AS s
        SET on_hand = s.on_hand + $4,
            reserved = s.reserved + $5,
            version = s.version +
              ${changesAvailability('s.on_hand - s.reserved', 's.on_hand + $4 - s.reserved - $5')}::int
      WHERE s.product_id = $1
     RETURNING s.product_id, s.version, s.on_hand - s.reserved - $4 + $5 AS available_before,
               s.on_hand - s.reserved AS available
   ),
   journaled AS (
     INSERT INTO catalog.stock_movements
       (product_id, kind, quantity, on_hand_delta, reserved_delta, reason, actor, request_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     RETURNING id, occurred_at
   )
   SELECT j.id, j.occurred_at AS "occurredAt", m.available_before AS "availableBefore", m.available, m.version,
          ${changesAvailability('m.available_before', 'm.available')} AS "availabilityChanged"
     FROM moved m, journaled j`,
);
