import { createHmac } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { newId } from '#kernel';
import { armFailpoints } from '#platform/failpoints';
import { Notifications } from '#platform/database';
import { MeasureWebhooks, TidyWebhooks, WEBHOOKS_DUE } from '#webhooks';
import { register } from 'prom-client';
import { Webhook } from 'standardwebhooks';
import { DeliveryQueue } from '../../libs/webhooks/src/deliveries/delivery-queue.js';
import { RecordAttempt } from '../../libs/webhooks/src/deliveries/record-attempt.js';
import { eventually } from '../support/eventually.js';
import { ENDPOINTS, type Inbox, status } from '../support/webhook-partner.js';
import { PRODUCT_CREATED, WebhookStage } from '../support/webhook-stage.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** The pauses of the schedule; each is longer by a tenth at most. */
const PAUSES_MS = [
  ...[5 * SECOND_MS, 5 * MINUTE_MS, 30 * MINUTE_MS],
  ...[2, 5, 10, 14, 20, 24].map((hours) => hours * HOUR_MS),
];

let stage: WebhookStage;
let inbox: Inbox;

beforeAll(async () => {
  // Nobody waits for a look at what may be due.
  stage = await WebhookStage.open({ WORKER_POLL_MS: '60000' });
});
afterAll(() => stage.close());

beforeEach(() => {
  inbox = stage.partner.inbox();
});
afterEach(async () => {
  armFailpoints('');
  // Nobody is told of what the next test does.
  await stage.shop.sql.query(
    `UPDATE webhooks.endpoints SET status = 'deleted', disabled_reason = NULL WHERE status <> 'deleted'`,
  );
});

const idsAt = ({ received }: Inbox) => received.map(({ headers }) => headers['webhook-id']);
const verify = (secret: string, { headers, body }: Inbox['received'][number]) =>
  new Webhook(secret).verify(body, headers as Record<string, string>);

/** Has `count` events wait for an endpoint. */
async function enqueue(endpointId: string, count: number): Promise<void> {
  await stage.shop.sql.query(
    `INSERT INTO webhooks.deliveries
       (id, endpoint_id, event_id, event_type, event, status, next_attempt_at, created_at)
     SELECT id, $1, id, $2, json_build_object('id', id), 'pending', now() - interval '1 minute', now()
       FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, $3)) ids`,
    [endpointId, PRODUCT_CREATED, count],
  );
}

describe('a webhook', () => {
  it('tells what happened, signed with the secret of the endpoint, once', async () => {
    const { id, secret } = await stage.endpoint(inbox);
    const others = stage.partner.inbox();
    const { id: othersId } = await stage.endpoint(others, ['steelyard.order.*']);
    const { eventId } = await stage.happens(id);
    await stage.deliver();
    await stage.deliver();
    expect(idsAt(inbox)).toEqual([eventId]);
    const [webhook] = inbox.received;
    expect(verify(secret, webhook!)).toMatchObject({
      specversion: '1.0',
      id: eventId,
      type: PRODUCT_CREATED,
      sequence: '1',
      data: { productId: expect.any(String) },
    });
    expect(() => verify(secret, { ...webhook!, body: webhook!.body.replace('"1.0"', '"1.1"') })).toThrow();
    expect(webhook!.headers['content-type']).toBe('application/json');
    expect(await stage.deliveries(id)).toEqual([
      expect.objectContaining({
        ...{ eventId, eventType: PRODUCT_CREATED, status: 'succeeded', attemptCount: 1, nextAttemptAt: null },
        attempts: [expect.objectContaining({ number: 1, statusCode: 204, failure: null, response: '' })],
      }),
    ]);
    expect(await stage.deliveries(othersId)).toEqual([]);
    // People find it by its id, and read what was sent.
    const [delivery] = await stage.deliveries(id, `?eventId=${eventId}`);
    expect(await stage.deliveries(id, `?eventId=${newId()}`)).toEqual([]);
    const path = `/api/v1/webhook-deliveries/${delivery!.id}`;
    expect((await stage.call('GET', path)).body).toEqual({ ...delivery, event: JSON.parse(webhook!.body) });
    await stage.call('DELETE', `${ENDPOINTS}/${id}`);
    expect((await stage.call('GET', path)).body.code).toBe('webhook_delivery_not_found');
  });

  it('is counted when it was sent, and while it waits', async () => {
    const { id } = await stage.endpoint(inbox);
    await stage.happens(id);
    await stage.part(MeasureWebhooks).execute();
    expect(await register.getSingleMetricAsString('webhook_pending')).toMatch(/^webhook_pending 1$/m);
    await stage.deliver();
    await stage.part(MeasureWebhooks).execute();
    expect(await register.getSingleMetricAsString('webhook_pending')).toMatch(/^webhook_pending 0$/m);
    const attempts = await register.getSingleMetricAsString('webhook_deliveries_total');
    expect(attempts).toMatch(/outcome="succeeded"} [1-9]/);
  });

  it('is signed with both secrets for a day after a rotation', async () => {
    const { id, secret: old } = await stage.endpoint(inbox);
    const rotated = await stage.rotate(id);
    await stage.happens(id);
    await stage.deliver();
    for (const secret of [old, rotated.secret]) verify(secret, inbox.received[0]!);
    await stage.happens(id);
    await stage.deliver(DAY_MS + MINUTE_MS);
    const { headers, body } = inbox.received[1]!;
    const key = Buffer.from(rotated.secret.replace('whsec_', ''), 'base64');
    const signed = `${headers['webhook-id'] as string}.${headers['webhook-timestamp'] as string}.${body}`;
    const signature = createHmac('sha256', key).update(signed).digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${signature}`);
  });

  it('that fails is tried again after longer and longer pauses, under the same id, and given up', async () => {
    inbox.answer = status(500, {}, 'broken\u0000');
    const { id } = await stage.endpoint(inbox);
    const { eventId } = await stage.happens(id);
    await stage.deliver();
    let elapsedMs = 0;
    for (const [index, pauseMs] of PAUSES_MS.entries()) {
      await stage.deliver(elapsedMs + pauseMs - SECOND_MS);
      expect(inbox.received).toHaveLength(index + 1);
      elapsedMs += pauseMs * 1.1 + MINUTE_MS;
      await stage.deliver(elapsedMs);
      expect(inbox.received).toHaveLength(index + 2);
    }
    await stage.deliver(elapsedMs + 2 * DAY_MS);
    expect(idsAt(inbox)).toEqual(Array(10).fill(eventId));
    const [delivery] = await stage.deliveries(id, `?status=failed&eventType=${PRODUCT_CREATED}`);
    expect(delivery).toMatchObject({ status: 'failed', attemptCount: 10, nextAttemptAt: null });
    expect(delivery?.attempts[9]).toMatchObject({ number: 10, statusCode: 500, response: 'broken' });
    expect(await stage.deliveries(id, '?status=pending')).toEqual([]);
    // It has failed for three days, and may come back.
    expect(await stage.view(id)).toMatchObject({ status: 'active', failingSince: expect.any(String) });
  });

  it('that is given up disables an endpoint that nothing has reached for five days', async () => {
    inbox.answer = status(500);
    const { id } = await stage.endpoint(inbox);
    await stage.happens(id);
    await stage.deliver();
    await stage.shop.sql.query('UPDATE webhooks.deliveries SET tries = 9 WHERE endpoint_id = $1', [id]);
    await stage.deliver(5 * DAY_MS + MINUTE_MS);
    expect(await stage.view(id)).toMatchObject({ status: 'disabled', disabledReason: 'failing' });
    expect(await stage.shop.events(id)).toEqual(['webhook_endpoint.disabled']);
    await stage.part(MeasureWebhooks).execute();
    expect(await register.getSingleMetricAsString('webhook_endpoints_disabled')).toMatch(
      /reason="failing"} 1$/m,
    );
  });

  it('that is told 410 ends the endpoint, until it is made active again', async () => {
    inbox.answer = status(410);
    const { id } = await stage.endpoint(inbox);
    const gone = await stage.happens(id);
    await stage.deliver();
    expect((await stage.deliveries(id))[0]).toMatchObject({ id: gone.id, status: 'failed' });
    const disabled = await stage.view(id);
    expect(disabled).toMatchObject({ status: 'disabled', disabledReason: 'gone', version: 2 });
    const retry = `/api/v1/webhook-deliveries/${gone.id}/retry`;
    expect((await stage.call('POST', retry, {})).body.code).toBe('webhook_endpoint_disabled');
    // What came before that and was not delivered is canceled.
    await enqueue(id, 1);
    await stage.part(TidyWebhooks).execute(DAY_MS, 100);
    expect(await stage.deliveries(id, '?status=canceled')).toHaveLength(1);

    // Whoever makes it active at this moment finds what is to be sent as it was.
    await enqueue(id, 1);
    await stage.shop.sql.query('BEGIN');
    try {
      await stage.shop.sql.query(
        `UPDATE webhooks.endpoints SET status = 'active', disabled_reason = NULL WHERE id = $1`,
        [id],
      );
      await stage.part(TidyWebhooks).execute(DAY_MS, 100);
    } finally {
      await stage.shop.sql.query('ROLLBACK');
    }
    expect(await stage.deliveries(id, '?status=pending')).toHaveLength(1);
    await stage.part(TidyWebhooks).execute(DAY_MS, 100);
    expect(await stage.deliveries(id, '?status=canceled')).toHaveLength(2);

    inbox.answer = status(204);
    const change = await stage.call(
      'PATCH',
      `${ENDPOINTS}/${id}`,
      { status: 'active' },
      { 'if-match': '"2"' },
    );
    expect(change.body).toMatchObject({ status: 'active', disabledReason: null, failingSince: null });
    expect((await stage.call('POST', retry, {})).body).toMatchObject({ status: 'pending' });
    await stage.deliver();
    expect((await stage.deliveries(id, '?status=succeeded'))[0]).toMatchObject({
      id: gone.id,
      attemptCount: 2,
    });
    expect(idsAt(inbox)).toEqual([gone.eventId, gone.eventId]);
  });

  it('that is redirected has failed: nobody goes there', async () => {
    const elsewhere = stage.partner.inbox();
    inbox.answer = status(307, { location: elsewhere.url });
    const { id } = await stage.endpoint(inbox);
    await stage.happens(id);
    await stage.deliver();
    expect((await stage.deliveries(id))[0]).toMatchObject({
      status: 'pending',
      attempts: [{ statusCode: 307 }],
    });
    expect(elsewhere.received).toEqual([]);
  });

  it('waits as long as the partner asks, and so does everything else for that endpoint', async () => {
    inbox.answer = status(503, { 'retry-after': '600' });
    const { id } = await stage.endpoint(inbox);
    await stage.happens(id);
    await stage.deliver();
    inbox.answer = status(204);
    await stage.happens(id);
    await stage.deliver(9 * MINUTE_MS);
    expect(inbox.received).toHaveLength(1);
    await stage.deliver(11 * MINUTE_MS);
    expect(inbox.received).toHaveLength(3);
    expect(await stage.view(id)).toMatchObject({ failingSince: null });
  });
});

describe('workers', () => {
  it('that die between sending and writing it down have it sent again under the same id, later', async () => {
    const { id } = await stage.endpoint(inbox);
    const { eventId } = await stage.happens(id);
    armFailpoints('webhooks.delivery.sent=error');
    await stage.deliver();
    armFailpoints('');
    expect(inbox.received).toHaveLength(1);
    // Somebody may still be about to write it down.
    await stage.deliver();
    expect(inbox.received).toHaveLength(1);
    await stage.deliver(61 * SECOND_MS);
    expect(idsAt(inbox)).toEqual([eventId, eventId]);
    expect((await stage.deliveries(id))[0]).toMatchObject({ status: 'succeeded', attemptCount: 1 });
  });

  it('never send one attempt twice, however many there are', async () => {
    const { id } = await stage.endpoint(inbox);
    await enqueue(id, 60);
    const others = await Promise.all([1, 2, 3].map(() => stage.worker()));
    await Promise.all([undefined, ...others].map((job) => stage.deliver(0, job)));
    await stage.deliver();
    expect(inbox.received).toHaveLength(60);
    expect(new Set(idsAt(inbox)).size).toBe(60);
  });

  it('look again at once when the last under way ends while they look, and what it made room for is not found', async () => {
    const held: ServerResponse[] = [];
    inbox.answer = (response) => void held.push(response);
    const { id } = await stage.endpoint(inbox);
    await enqueue(id, 5);
    const job = await stage.worker();
    expect(await job.execute()).toBe(4);
    await eventually(() => expect(held).toHaveLength(4));
    const queue = stage.part(DeliveryQueue);
    const claim = queue.claim.bind(queue);
    const spy = jest.spyOn(queue, 'claim').mockImplementation(async (limit) => {
      const found = await claim(limit);
      inbox.answer = status(204);
      for (const response of held) response.writeHead(204).end();
      await eventually(async () => expect(await stage.deliveries(id, '?status=succeeded')).toHaveLength(4));
      await job.stop(5_000);
      return found;
    });
    try {
      expect(await job.execute()).toBeGreaterThan(0);
    } finally {
      spy.mockRestore();
    }
  });

  it('claim no more for one endpoint than it may have at once, also when they claim at once', async () => {
    const [{ id }, { id: other }] = [await stage.endpoint(inbox), await stage.endpoint(inbox)];
    await enqueue(id, 60);
    await enqueue(other, 2);
    const queue = stage.part(DeliveryQueue);
    const claimed = (await Promise.all(Array.from({ length: 8 }, () => queue.claim(64)))).flat();
    const of = (endpoint: string) => claimed.filter(({ endpointId }) => endpointId === endpoint).length;
    expect([of(id), of(other)]).toEqual([4, 2]);
    expect(new Set(claimed.map((delivery) => delivery.id)).size).toBe(6);
  });

  it('with little room take the first of each endpoint before the second of any, however long it has waited', async () => {
    const many = [await stage.endpoint(inbox), await stage.endpoint(inbox), await stage.endpoint(inbox)];
    for (const [index, { id }] of many.entries()) {
      await enqueue(id, 4);
      const waited = `UPDATE webhooks.deliveries SET next_attempt_at = now() - $2 * interval '1 hour' WHERE endpoint_id = $1`;
      await stage.shop.sql.query(waited, [id, many.length - index]);
    }
    const queue = stage.part(DeliveryQueue);
    const claim = async (room: number) =>
      (await queue.claim(room)).map(({ endpointId }) => many.findIndex(({ id }) => id === endpointId)).sort();
    expect(await claim(3)).toEqual([0, 1, 2]);
    // What is under way counts: it is the second of each now.
    expect(await claim(3)).toEqual([0, 1, 2]);
    expect(await claim(64)).toEqual([0, 0, 1, 1, 2, 2]);
  });

  it('whose lease has ended write nothing down: another one has sent it again', async () => {
    const { id } = await stage.endpoint(inbox);
    await enqueue(id, 1);
    const queue = stage.part(DeliveryQueue);
    const recordAttempt = stage.part(RecordAttempt);
    const attempt = { attemptedAt: new Date(), durationMs: 1, failure: null, response: '' };
    const [first] = await queue.claim(1);
    const second = await stage.shop.later(61 * SECOND_MS, async () => (await queue.claim(1))[0]);
    await recordAttempt.execute(first!, { ...attempt, statusCode: 410 });
    expect(await stage.deliveries(id)).toMatchObject([{ status: 'pending', attemptCount: 0, attempts: [] }]);
    expect(await stage.view(id)).toMatchObject({ status: 'active', failingSince: null });
    await recordAttempt.execute(second!, { ...attempt, statusCode: 204 });
    expect(await stage.deliveries(id)).toMatchObject([{ status: 'succeeded', attemptCount: 1 }]);
  });

  it('are not held up by a partner that is slow and has much to get', async () => {
    const held: ServerResponse[] = [];
    inbox.answer = (response) => void held.push(response);
    await enqueue((await stage.endpoint(inbox)).id, 10_000);
    const quick = stage.partner.inbox();
    await enqueue((await stage.endpoint(quick)).id, 40);
    const job = await stage.worker();
    const stopping = new AbortController();
    const running = (async () => {
      while (!stopping.signal.aborted) await job.execute();
    })();
    try {
      await eventually(() => expect(quick.received).toHaveLength(40), 8_000);
      expect(held).toHaveLength(4);
    } finally {
      stopping.abort();
      for (const response of held) response.writeHead(204).end();
      await running;
      await job.stop(5_000);
      await stage.shop.sql.query(`UPDATE webhooks.deliveries SET status = 'canceled', completed_at = now()
        WHERE status = 'pending'`);
    }
  });

  it('begin what comes while they wait for a slow partner, and need not look for it', async () => {
    const held: ServerResponse[] = [];
    inbox.answer = (response) => void held.push(response);
    await enqueue((await stage.endpoint(inbox)).id, 1);
    const quick = stage.partner.inbox();
    const { id } = await stage.endpoint(quick);
    const job = await stage.worker();
    const stopListening = stage.part(Notifications).listen(WEBHOOKS_DUE, () => job.lookAgain());
    const stopping = new AbortController();
    const running = (async () => {
      while (!stopping.signal.aborted) await job.execute();
    })();
    try {
      await eventually(() => expect(held).toHaveLength(1));
      const { id: delivery } = await stage.happens(id);
      await eventually(() => expect(quick.received).toHaveLength(1));
      await eventually(async () =>
        expect(await stage.deliveries(id)).toMatchObject([{ status: 'succeeded' }]),
      );
      await stage.call('POST', `/api/v1/webhook-deliveries/${delivery}/retry`, {});
      await eventually(() => expect(quick.received).toHaveLength(2));
    } finally {
      stopping.abort();
      for (const response of held) response.writeHead(204).end();
      await running;
      stopListening();
      await job.stop(5_000);
    }
  });

  it('that are stopped wait for what is under way, but not for ever', async () => {
    inbox.answer = () => undefined;
    const { id } = await stage.endpoint(inbox);
    await enqueue(id, 1);
    const job = await stage.worker();
    expect(await job.execute()).toBe(1);
    await eventually(() => expect(inbox.received).toHaveLength(1));
    await job.stop(50);
    await eventually(async () => expect(await job.execute()).toBe(0));
    expect((await stage.deliveries(id))[0]).toMatchObject({ status: 'pending', attemptCount: 0 });
  });
});

describe('the deliveries of an endpoint', () => {
  it('of one status are found by an index', async () => {
    const { rows } = await stage.shop.sql.query<{ indexdef: string }>(
      `SELECT indexdef FROM pg_indexes WHERE indexname = 'deliveries_by_status'`,
    );
    expect(rows[0]?.indexdef).toContain('(endpoint_id, status, created_at DESC, id DESC)');
  });
});

describe('events that have happened', () => {
  it('are sent again under their ids: what was missed, and what was delivered', async () => {
    const after = new Date().toISOString();
    await stage.shop.placed();
    await stage.shop.product({ stock: 0 });
    await stage.relay();
    const before = new Date(Date.now() + SECOND_MS).toISOString();
    const { id } = await stage.endpoint(inbox, ['steelyard.order.*', 'steelyard.product.*']);
    const replay = async (range: object) =>
      (await stage.call('POST', `${ENDPOINTS}/${id}/replay`, range)).body as object;
    expect(await replay({ after: before })).toEqual({ deliveries: 0, continueAfter: null });
    expect(await replay({ after, before, eventTypes: [PRODUCT_CREATED] })).toMatchObject({ deliveries: 1 });
    expect(await replay({ after, before })).toEqual({ deliveries: 2, continueAfter: null });
    await stage.deliver();
    const { rows } = await stage.shop.sql.query<{ id: string }>(
      `SELECT id FROM platform.outbox WHERE type ~ '^steelyard.(order|product)[.]' AND occurred_at >= $1`,
      [after],
    );
    const all = rows.map((row) => row.id).sort();
    expect(all).toHaveLength(3);
    expect(idsAt(inbox).sort()).toEqual(all);
    expect(await replay({ after })).toMatchObject({ deliveries: 3 });
    await stage.deliver();
    expect(idsAt(inbox).sort()).toEqual([...all, ...all].sort());
  });

  it('are not sent again while many wait for their first attempt', async () => {
    const { id } = await stage.endpoint(inbox);
    await enqueue(id, 1_001);
    const replay = async () =>
      (await stage.call('POST', `${ENDPOINTS}/${id}/replay`, { after: new Date().toISOString() }))
        .body as object;
    expect(await replay()).toMatchObject({ code: 'webhook_backlog' });
    // Those that fail and wait for the partner are no reason.
    await stage.shop.sql.query('UPDATE webhooks.deliveries SET tries = 1 WHERE endpoint_id = $1', [id]);
    expect(await replay()).toEqual({ deliveries: 0, continueAfter: null });
  });

  it('cannot be sent to an endpoint that is disabled, or to none', async () => {
    const { id } = await stage.endpoint(inbox);
    await stage.call('PATCH', `${ENDPOINTS}/${id}`, { status: 'disabled' }, { 'if-match': '"1"' });
    const range = { after: new Date().toISOString() };
    const codes = await Promise.all(
      [id, newId()].map(
        async (each) => (await stage.call('POST', `${ENDPOINTS}/${each}/replay`, range)).body.code as string,
      ),
    );
    expect(codes).toEqual(['webhook_endpoint_disabled', 'webhook_endpoint_not_found']);
  });
});
