import { statement } from '#platform/database';

const COLUMNS = `id, url, event_types AS "eventTypes", description, status, disabled_reason AS "disabledReason",
       disabled_at AS "disabledAt", failing_since AS "failingSince", paused_until AS "pausedUntil",
       previous_secret_until AS "previousSecretUntil", version, created_at AS "createdAt", updated_at AS "updatedAt"`;

/** All that is ever asked about endpoints; what is deleted is not found. */
export const statements = {
  insert: statement(
    'webhooks.insert_endpoint',
    `INSERT INTO webhooks.endpoints (id, url, event_types, description, status, secret, created_at, updated_at)
     VALUES ($1, $2, $3, $4, 'active', $5, $6, $6) RETURNING ${COLUMNS}`,
  ),
  count: statement(
    'webhooks.count_endpoints',
    `SELECT count(*)::int AS count FROM webhooks.endpoints WHERE status <> 'deleted'`,
  ),
  list: statement(
    'webhooks.list_endpoints',
    `SELECT ${COLUMNS} FROM webhooks.endpoints
      WHERE status <> 'deleted' AND ($1::timestamptz IS NULL OR (created_at, id) < ($1, $2::uuid))
      ORDER BY created_at DESC, id DESC LIMIT $3`,
  ),
  read: statement(
    'webhooks.read_endpoint',
    `SELECT ${COLUMNS} FROM webhooks.endpoints WHERE id = $1 AND status <> 'deleted'`,
  ),
  lock: statement(
    'webhooks.lock_endpoint',
    `SELECT ${COLUMNS} FROM webhooks.endpoints WHERE id = $1 AND status <> 'deleted' FOR UPDATE`,
  ),
  update: statement(
    'webhooks.update_endpoint',
    `UPDATE webhooks.endpoints
        SET url = $2, event_types = $3, description = $4, failing_since = $5, paused_until = $6, updated_at = $7,
            version = version + 1
      WHERE id = $1 RETURNING ${COLUMNS}`,
  ),
  activate: statement(
    'webhooks.activate_endpoint',
    `UPDATE webhooks.endpoints
        SET status = 'active', disabled_reason = NULL, disabled_at = NULL, failing_since = NULL, paused_until = NULL
      WHERE id = $1 AND status = 'disabled'`,
  ),
  disable: statement(
    'webhooks.disable_endpoint',
    `UPDATE webhooks.endpoints
        SET status = 'disabled', disabled_reason = $2, disabled_at = $3, updated_at = $3, version = version + 1,
            event_sequence = event_sequence + 1
      WHERE id = $1 AND status = 'active' RETURNING event_sequence::int AS sequence`,
  ),
  remove: statement(
    'webhooks.delete_endpoint',
    `UPDATE webhooks.endpoints
        SET status = 'deleted', disabled_reason = NULL, disabled_at = NULL, secret = '', previous_secret = NULL,
            previous_secret_until = NULL, updated_at = $2
      WHERE id = $1 AND status <> 'deleted' RETURNING id`,
  ),
  rotateSecret: statement(
    'webhooks.rotate_secret',
    `UPDATE webhooks.endpoints
        SET previous_secret = secret, previous_secret_until = $3, secret = $2, updated_at = $4, version = version + 1
      WHERE id = $1 AND status <> 'deleted' RETURNING ${COLUMNS}`,
  ),
  readTarget: statement(
    'webhooks.read_target',
    `SELECT id, url, secret, previous_secret AS "previousSecret", previous_secret_until AS "previousSecretUntil"
       FROM webhooks.endpoints WHERE id = $1 AND status <> 'deleted'`,
  ),
  noteSuccess: statement(
    'webhooks.note_success',
    // Of one that is disabled it stays known since when it has missed something.
    `UPDATE webhooks.endpoints SET failing_since = NULL
      WHERE id = $1 AND failing_since IS NOT NULL AND status = 'active'`,
  ),
  noteFailure: statement(
    'webhooks.note_failure',
    'UPDATE webhooks.endpoints SET failing_since = $2 WHERE id = $1 AND failing_since IS NULL',
  ),
  pause: statement(
    'webhooks.pause_endpoint',
    'UPDATE webhooks.endpoints SET paused_until = $2 WHERE id = $1',
  ),
} as const;
