import { Clock, newId } from '#kernel';
import { Config } from '#platform/config';
import { Database } from '#platform/database';
import { OutboundClient } from '#platform/outbound';
import { generateAppSecret } from '#platform/security';
import { TidyWebhooks } from '#webhooks';
import { Webhook } from 'standardwebhooks';
import { PUBLIC_TARGETS } from '../../libs/platform/src/outbound/target-policy.js';
import { WebhookSender } from '../../libs/webhooks/src/deliveries/webhook-sender.js';
import type { PingResultView } from '../../libs/webhooks/src/deliveries/delivery.schema.js';
import { CheckEndpoint } from '../../libs/webhooks/src/endpoints/check-endpoint.js';
import { EndpointSecrets } from '../../libs/webhooks/src/endpoints/endpoint-secrets.js';
import { eventually } from '../support/eventually.js';
import { ENDPOINTS, type Inbox, type Received, status } from '../support/webhook-partner.js';
import { PRODUCT_CREATED, WebhookStage } from '../support/webhook-stage.js';

const DAY_MS = 86_400_000;
const DAY_SECONDS = 86_400;
const DELIVERIES = '/api/v1/webhook-deliveries';
const APP_SECRET = generateAppSecret();

let stage: WebhookStage;
let inbox: Inbox;

beforeAll(async () => {
  stage = await WebhookStage.open({ APP_SECRET, REQUEST_TIMEOUT_MS: '5000' });
});
afterAll(() => stage.close());
beforeEach(() => {
  inbox = stage.partner.inbox();
});

const ifMatch = (version: number) => ({ 'if-match': `"${version}"` });
const ping = async (id: string) =>
  (await stage.call('POST', `${ENDPOINTS}/${id}/ping`, {})).body as PingResultView;
const verify = (secret: string, { headers, body }: Received) =>
  new Webhook(secret).verify(body, headers as Record<string, string>);

/** The parts of a process that knows other secrets. */
function withSecrets(appSecrets: string) {
  const { app } = stage.shop.api;
  const settings = { ...app.get(Config).settings, APP_SECRET: appSecrets };
  const secrets = new EndpointSecrets(new Config(settings));
  return { secrets, tidy: new TidyWebhooks(app.get(Database), secrets, app.get(Clock)) };
}

describe('a webhook endpoint', () => {
  it('is made, shown without its secret, changed and deleted', async () => {
    const wish = { url: inbox.url, eventTypes: ['steelyard.order.*', '*', '*'], description: 'ERP' };
    const { status: code, headers, body } = await stage.call('POST', ENDPOINTS, wish);
    expect([code, headers.get('cache-control'), headers.get('etag')]).toEqual([201, 'no-store', '"1"']);
    const { secret, ...shown } = body;
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(shown).toMatchObject({
      ...wish,
      eventTypes: ['*', 'steelyard.order.*'],
      status: 'active',
      version: 1,
    });
    expect((await stage.call('GET', ENDPOINTS)).body.data).toContainEqual(shown);

    const path = headers.get('location')!;
    const change = { description: null, eventTypes: [PRODUCT_CREATED], status: 'disabled' };
    const changed = await stage.call('PATCH', path, change, ifMatch(1));
    expect(changed).toMatchObject({ status: 200, body: { ...change, disabledReason: 'requested' } });
    expect((await stage.call('GET', path)).body).toEqual(changed.body);
    expect(await stage.shop.events(shown.id)).toEqual(['webhook_endpoint.disabled']);

    expect(await stage.call('DELETE', path)).toMatchObject({ status: 204 });
    const answers = await Promise.all([
      stage.call('GET', path),
      stage.call('DELETE', path),
      stage.call('GET', `${path}/deliveries`),
      stage.call('POST', `${path}/rotate-secret`, {}),
      stage.call('POST', `${path}/ping`, {}),
      stage.call('PATCH', path, {}, ifMatch(changed.body.version)),
    ]);
    expect(answers.map(({ body: problem }) => problem.code as string)).toEqual(
      Array(6).fill('webhook_endpoint_not_found'),
    );
  });

  it('is pinged, and what comes back is told, also while it is disabled', async () => {
    const { id, secret } = await stage.endpoint(inbox);
    await stage.call('PATCH', `${ENDPOINTS}/${id}`, { status: 'disabled' }, ifMatch(1));
    const result = await ping(id);
    expect(result).toMatchObject({ succeeded: true, statusCode: 204, failure: null, response: '' });
    const [webhook] = inbox.received;
    expect(webhook!.headers['content-type']).toBe('application/json');
    expect(verify(secret, webhook!)).toMatchObject({
      id: result.eventId,
      type: 'steelyard.webhook_ping.sent.v1',
      subject: result.eventId,
      sequence: '1',
      data: { endpointId: id },
    });
    inbox.answer = status(500, {}, 'x'.repeat(5_000));
    expect(await ping(id)).toMatchObject({ succeeded: false, statusCode: 500, response: 'x'.repeat(1_024) });
    inbox.answer = status(410);
    expect(await ping(id)).toMatchObject({ succeeded: false, statusCode: 410 });
    expect(await stage.view(id)).toMatchObject({ disabledReason: 'requested' });
    inbox.answer = (response) => response.destroy();
    expect(await ping(id)).toMatchObject({
      succeeded: false,
      statusCode: null,
      failure: 'connection_failed',
    });
    expect(await stage.deliveries(id)).toEqual([]);
  });

  it('is pinged in vain while it keeps silent, and the request has time to say so', async () => {
    inbox.answer = () => undefined;
    const { id } = await stage.endpoint(inbox);
    expect(await ping(id)).toMatchObject({ succeeded: false, statusCode: null, failure: 'timed_out' });
    // It has answered, whatever it still writes.
    inbox.answer = (response) => {
      response.writeHead(200).write('so far');
      const timer = setInterval(() => response.write('.'), 20);
      response.on('close', () => clearInterval(timer));
    };
    expect(await ping(id)).toMatchObject({ succeeded: true, statusCode: 200 });
  });

  it('has a secret that only the APP_SECRET opens, and goes over to the next one', async () => {
    const { id, secret } = await stage.endpoint(inbox);
    const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
    const sealed = async () => {
      const text = 'SELECT secret FROM webhooks.endpoints WHERE id = $1';
      return (await stage.shop.sql.query<{ secret: Buffer }>(text, [id])).rows[0]!.secret;
    };
    expect((await sealed()).includes(key)).toBe(false);
    const next = generateAppSecret();
    await withSecrets(next).tidy.execute(DAY_SECONDS, 100);
    expect(withSecrets(next).secrets.open(await sealed(), id)).toBeUndefined();
    await withSecrets(`${next},${APP_SECRET}`).tidy.execute(DAY_SECONDS, 100);
    expect(withSecrets(next).secrets.open(await sealed(), id)).toEqual(key);

    expect(await ping(id)).toMatchObject({ succeeded: false, failure: 'secret_unreadable' });
    const rotated = await stage.rotate(id);
    expect(await ping(id)).toMatchObject({ succeeded: true });
    verify(rotated.secret, inbox.received[0]!);
  });

  it('lies on the public internet unless the setting says otherwise, also when its name leads elsewhere', async () => {
    const { app } = stage.shop.api;
    const outbound = new OutboundClient({
      policy: PUBLIC_TARGETS,
      lookUp: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
    });
    expect(() => new CheckEndpoint(outbound).execute(inbox.url)).toThrow(
      expect.objectContaining({
        code: 'validation_failed',
        errors: [
          expect.objectContaining({ pointer: '/url', code: 'url_protocol_not_allowed' }),
          expect.objectContaining({ pointer: '/url', code: 'url_address_not_allowed' }),
        ],
      }),
    );
    const { id } = await stage.endpoint(inbox);
    const worker = await stage.worker(
      new WebhookSender(outbound, stage.part(EndpointSecrets), app.get(Clock)),
    );
    const { port } = new URL(inbox.url);
    for (const url of [inbox.url, `https://partner.example:${port}/`]) {
      await stage.shop.sql.query('UPDATE webhooks.endpoints SET url = $2 WHERE id = $1', [id, url]);
      await stage.happens(id);
      await stage.deliver(0, worker);
      expect((await stage.deliveries(id))[0]).toMatchObject({
        status: 'pending',
        attempts: [{ statusCode: null, failure: 'target_not_allowed' }],
      });
    }
    expect(inbox.received).toEqual([]);
  });

  it('is forgotten with what was sent to it, when that is old', async () => {
    const { id } = await stage.endpoint(inbox);
    await stage.happens(id);
    await stage.deliver();
    await stage.call('DELETE', `${ENDPOINTS}/${id}`);
    const tidy = stage.part(TidyWebhooks);
    const kept = async () => {
      const text = `SELECT e.status, count(d)::int AS deliveries
         FROM webhooks.endpoints e LEFT JOIN webhooks.deliveries d ON d.endpoint_id = e.id
        WHERE e.id = $1 GROUP BY e.id`;
      return (await stage.shop.sql.query<object>(text, [id])).rows;
    };
    await tidy.execute(30 * DAY_SECONDS, 1_000);
    expect(await kept()).toEqual([{ status: 'deleted', deliveries: 1 }]);
    await stage.shop.later(31 * DAY_MS, () => tidy.execute(30 * DAY_SECONDS, 1_000));
    expect(await kept()).toEqual([]);
  });

  it('hears every kind of event, also that another one was disabled', async () => {
    const { id } = await stage.endpoint(inbox, ['steelyard.webhook_endpoint.*']);
    const other = await stage.endpoint(stage.partner.inbox());
    await stage.call('PATCH', `${ENDPOINTS}/${other.id}`, { status: 'disabled' }, ifMatch(1));
    await stage.relay();
    await stage.deliver();
    await eventually(() => expect(inbox.received).toHaveLength(1));
    expect(JSON.parse(inbox.received[0]!.body)).toMatchObject({
      subject: other.id,
      data: { endpointId: other.id, reason: 'requested' },
    });
    await stage.call('DELETE', `${ENDPOINTS}/${id}`);
  });
});

describe('what is refused', () => {
  const url = 'http://127.0.0.1:1/hooks';
  const eventTypes = ['*'];
  const after = '2026-11-20T12:00:00.000Z';

  it.each<[string, string, unknown, number, string, { pointer: string; code: string }?]>([
    ['no fields', 'POST ', {}, 400, 'validation_failed', { pointer: '/url', code: 'required' }],
    ['no types', 'POST ', { url }, 400, 'validation_failed', { pointer: '/eventTypes', code: 'required' }],
    ['an empty list', 'POST ', { url, eventTypes: [] }, 400, 'validation_failed', { pointer: '/eventTypes', code: 'too_few_items' }], // prettier-ignore
    ['too many types', 'POST ', { url, eventTypes: Array(101).fill('*') }, 400, 'validation_failed', { pointer: '/eventTypes', code: 'too_many_items' }], // prettier-ignore
    ['an unknown type', 'POST ', { url, eventTypes: ['*', 'steelyard.order'] }, 400, 'validation_failed', { pointer: '/eventTypes/1', code: 'unknown_event_type' }], // prettier-ignore
    ['a type that nobody publishes', 'POST ', { url, eventTypes: ['steelyard.webhook_ping.sent.v1'] }, 400, 'validation_failed', { pointer: '/eventTypes/0', code: 'unknown_event_type' }], // prettier-ignore
    ['a type of no delivery', 'GET /:id/deliveries?eventType=steelyard.x.y.v1', undefined, 400, 'validation_failed', { pointer: 'query:/eventType', code: 'unknown_event_type' }], // prettier-ignore
    ['NUL in a type', 'POST ', { url, eventTypes: ['\u0000'] }, 400, 'validation_failed', { pointer: '/eventTypes/0', code: 'invalid_text' }], // prettier-ignore
    ['no URL', 'POST ', { url: 'partner', eventTypes }, 400, 'validation_failed', { pointer: '/url', code: 'url_malformed' }], // prettier-ignore
    ['another protocol', 'POST ', { url: 'ftp://partner.example/', eventTypes }, 400, 'validation_failed', { pointer: '/url', code: 'url_protocol_not_allowed' }], // prettier-ignore
    ['credentials', 'POST ', { url: 'https://me:pw@partner.example/', eventTypes }, 400, 'validation_failed', { pointer: '/url', code: 'url_has_credentials' }], // prettier-ignore
    ['a long URL', 'POST ', { url: `${url}${'x'.repeat(2_048)}`, eventTypes }, 400, 'validation_failed', { pointer: '/url', code: 'too_long' }], // prettier-ignore
    ['a secret of one’s own', 'POST ', { url, eventTypes, secret: 'x' }, 400, 'validation_failed', { pointer: '/secret', code: 'unknown_field' }], // prettier-ignore
    ['a change without If-Match', 'PATCH /:id', {}, 428, 'if_match_required'],
    ['a field to rotate', 'POST /:id/rotate-secret', { secret: 'x' }, 400, 'validation_failed', { pointer: '/secret', code: 'unknown_field' }], // prettier-ignore
    ['a field to ping', 'POST /:id/ping', { url }, 400, 'validation_failed', { pointer: '/url', code: 'unknown_field' }], // prettier-ignore
    ['a replay from nowhere', 'POST /:id/replay', {}, 400, 'validation_failed', { pointer: '/after', code: 'required' }], // prettier-ignore
    ['a replay of no time', 'POST /:id/replay', { after, before: after }, 400, 'validation_failed', { pointer: '/before', code: 'range_empty' }], // prettier-ignore
    ['a replay of an unknown type', 'POST /:id/replay', { after, eventTypes: ['x.*'] }, 400, 'validation_failed', { pointer: '/eventTypes/0', code: 'unknown_event_type' }], // prettier-ignore
    ['a status of no delivery', 'GET /:id/deliveries?status=lost', undefined, 400, 'validation_failed'],
    ['a cursor of another list', 'GET /:id/deliveries?cursor=eA', undefined, 400, 'invalid_cursor'],
    ['an id that is none', 'GET /1', undefined, 400, 'validation_failed'],
    ['an id that nobody has', `GET /${newId()}`, undefined, 404, 'webhook_endpoint_not_found'],
  ])('%s', async (_what, call, body, code, problem, ...[field]) => {
    const [method = '', path = ''] = call.split(' ');
    const id = call.includes(':id') ? (await stage.endpoint(inbox)).id : '';
    const send = () => stage.call(method, ENDPOINTS + path.replace(':id', id), body);
    await stage.shop.expectRefusal(send, code, problem, field);
  });

  it('a change of a version that is not the current one, and a change to what may not be', async () => {
    const { id } = await stage.endpoint(inbox);
    const change = (body: object, version: number) => () =>
      stage.call('PATCH', `${ENDPOINTS}/${id}`, body, ifMatch(version));
    await stage.shop.expectRefusal(change({}, 2), 412, 'stale_etag');
    expect((await change({}, 1)()).body).toMatchObject({ version: 1 });
    const wrong = change({ url: 'ftp://me@x/', eventTypes: ['x'], status: 'lost' }, 1);
    const { body } = await stage.shop.expectRefusal(wrong, 400, 'validation_failed');
    expect((body.errors as { code: string }[]).map((error) => error.code)).toEqual([
      'url_protocol_not_allowed',
      'url_has_credentials',
      'unknown_event_type',
      'not_allowed',
    ]);
  });

  it('to send again what was never sent', async () => {
    const send = () => stage.call('POST', `${DELIVERIES}/${newId()}/retry`, {});
    await stage.shop.expectRefusal(send, 404, 'webhook_delivery_not_found');
  });
});
