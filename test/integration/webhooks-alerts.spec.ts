import { Config } from '#platform/config';
import { DeliverMails } from '#platform/mail';
import { ApplyEvents, EventBus } from '#platform/messaging';
import { TidyWebhooks } from '#webhooks';
import { PinoLogger } from 'nestjs-pino';
import { Mailer } from '../../libs/platform/src/mail/mailer.js';
import { eventually } from '../support/eventually.js';
import { ENDPOINTS, type Inbox, status } from '../support/webhook-partner.js';
import { WebhookStage } from '../support/webhook-stage.js';

const STAFF_ADDRESS = 'webhooks@example.com';
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

let stage: WebhookStage;
let inbox: Inbox;

beforeAll(async () => {
  stage = await WebhookStage.open({ WEBHOOK_ALERT_EMAIL: STAFF_ADDRESS, WORKER_POLL_MS: '60000' });
});
afterAll(() => stage.close());

beforeEach(() => {
  inbox = stage.partner.inbox();
});
afterEach(() => jest.restoreAllMocks());
afterEach(async () => {
  // Nobody is told of what the next test does.
  await stage.shop.sql.query(
    `UPDATE webhooks.endpoints SET status = 'deleted', disabled_reason = NULL WHERE status <> 'deleted'`,
  );
});

const consumer = () => stage.part(EventBus).consumers.find(({ name }) => name === 'webhooks.alerts')!;

/** Everybody has heard of everything that has happened. */
async function heard(): Promise<void> {
  await stage.relay();
  await eventually(async () => {
    const { rows } = await stage.shop.sql.query(
      `SELECT id FROM platform.outbox e WHERE type = ANY($1)
          AND NOT EXISTS (SELECT FROM platform.inbox i WHERE i.event_id = e.id AND i.consumer = $2)`,
      [consumer().types, consumer().name],
    );
    expect(rows).toEqual([]);
  });
}

/** The mails about an endpoint, once all that were asked for have left. */
async function mailsAbout(id: string): Promise<{ to: string; subject: string; text: string }[]> {
  await heard();
  while ((await stage.part(DeliverMails).execute()) > 0);
  const { body } = await stage.shop.api.get('/dev/mailbox');
  return (body.data as { to: string; subject: string; text: string }[]).filter(({ text }) =>
    text.includes(id),
  );
}

/** Whether a mail about the endpoint waits to be written. */
async function isAskedFor(id: string): Promise<boolean> {
  const { rows } = await stage.shop.sql.query('SELECT kind FROM platform.mails WHERE subject = $1', [id]);
  return rows.length > 0;
}

/** An endpoint that has answered 410 to an event, while another waited; what happened first. */
async function gone(): Promise<{ id: string; missedSince: string }> {
  inbox.answer = status(410);
  const { id } = await stage.endpoint(inbox);
  const first = await stage.happens(id);
  const second = await stage.happens(id);
  await stage.shop.sql.query(
    `UPDATE webhooks.deliveries SET next_attempt_at = now() + interval '1 hour' WHERE id = $1`,
    [second.id],
  );
  await stage.deliver();
  expect(await stage.view(id)).toMatchObject({ status: 'disabled', disabledReason: 'gone' });
  const { body } = await stage.call('GET', `/api/v1/webhook-deliveries/${first.id}`);
  return { id, missedSince: (body.event as { time: string }).time };
}

const activate = (id: string, version: number) =>
  stage.call('PATCH', `${ENDPOINTS}/${id}`, { status: 'active' }, { 'if-match': `"${version}"` });

describe('a mail about a webhook endpoint that is disabled', () => {
  it('tells of one that is gone, and what it says to do sends all that was missed', async () => {
    const { id, missedSince } = await gone();
    // What waited is canceled meanwhile.
    await stage.part(TidyWebhooks).execute(DAY_MS, 100);
    expect(await stage.deliveries(id, '?status=canceled')).toHaveLength(1);
    const [mail, ...others] = await mailsAbout(id);
    const { disabledAt } = await stage.view(id);
    expect(others).toEqual([]);
    const { host, pathname } = new URL(inbox.url);
    expect(mail).toMatchObject({ to: STAFF_ADDRESS, subject: `A webhook endpoint is disabled: ${host}` });
    expect(mail!.text).toContain(`endpoint ${id} at ${host}.\n\nReason: it has answered 410`);
    expect(mail!.text).toContain(`Disabled since: ${disabledAt}\nWebhooks that waited for it: 1\n`);
    expect(mail!.text).not.toContain(pathname.slice(1));

    const calls = [...mail!.text.matchAll(/^(PATCH|POST) (\S+)\n(?:If-Match: (\S+)\n)?(?:\n(\{.*\})$)?/gm)];
    expect(calls.map(([, method, path]) => `${method} ${path}`)).toEqual([
      `PATCH ${ENDPOINTS}/${id}`,
      `POST ${ENDPOINTS}/${id}/ping`,
      `POST ${ENDPOINTS}/${id}/replay`,
    ]);
    expect(JSON.parse(calls[2]![4]!)).toEqual({ after: missedSince });
    inbox.answer = status(204);
    for (const [, method = '', path = '', version, body = '{}'] of calls) {
      const headers: Record<string, string> = version === undefined ? {} : { 'if-match': version };
      expect((await stage.call(method, path, JSON.parse(body), headers)).status).toBeLessThan(300);
    }
    await stage.deliver();
    expect(await stage.deliveries(id, '?status=succeeded')).toHaveLength(2);
  });

  it('tells of one that has failed for days, since when, and how many wait', async () => {
    inbox.answer = status(500);
    const { id } = await stage.endpoint(inbox);
    const [first] = [await stage.happens(id), await stage.happens(id), await stage.happens(id)];
    await stage.deliver();
    const { failingSince } = await stage.view(id);
    await stage.shop.sql.query('UPDATE webhooks.deliveries SET tries = 9 WHERE id = $1', [first.id]);
    await stage.deliver(5 * DAY_MS + MINUTE_MS);
    const [mail, ...others] = await mailsAbout(id);
    expect(others).toEqual([]);
    expect(mail!.text).toContain(`Reason: nothing has succeeded since ${failingSince}\n`);
    expect(mail!.text).toContain('Webhooks that waited for it: 2\n');
  });

  it('is sent once, however often its event is brought', async () => {
    const warn = jest.spyOn(PinoLogger.prototype, 'warn');
    const { id } = await gone();
    expect(await mailsAbout(id)).toHaveLength(1);
    const events = (await stage.shop.eventsOf('webhook_endpoint', id)).filter(
      ({ type }) => type === consumer().types[0],
    );
    expect(events).toHaveLength(1);
    await stage.part(ApplyEvents).execute(consumer(), events);
    expect(await mailsAbout(id)).toHaveLength(1);
    // The log tells it without a mail, too.
    const told = warn.mock.calls.filter(
      ([, message]) => message === 'A webhook endpoint is sent nothing any more',
    );
    expect(told.map(([facts]) => facts as object)).toEqual([{ endpoint_id: id, reason: 'gone' }]);
  });

  it('is none when somebody has asked for it, or has looked after it or deleted it before the mail leaves', async () => {
    const { id: asked } = await stage.endpoint(inbox);
    const disable = (id: string, version: number) =>
      stage.call('PATCH', `${ENDPOINTS}/${id}`, { status: 'disabled' }, { 'if-match': `"${version}"` });
    expect((await disable(asked, 1)).status).toBe(200);
    const [mended, given, deleted] = [(await gone()).id, (await gone()).id, (await gone()).id];
    await heard();
    expect(await Promise.all([asked, mended, given, deleted].map(isAskedFor))).toEqual([
      false,
      true,
      true,
      true,
    ]);
    expect((await activate(mended, 2)).status).toBe(200);
    expect((await activate(given, 2)).status).toBe(200);
    expect((await disable(given, 3)).status).toBe(200);
    expect((await stage.call('DELETE', `${ENDPOINTS}/${deleted}`)).status).toBe(204);
    for (const id of [asked, mended, given, deleted]) expect(await mailsAbout(id)).toEqual([]);
  });

  it.each(['WEBHOOK_ALERT_EMAIL is not set', 'mail goes nowhere'])(
    'is not asked for when %s, then or later',
    async (why) => {
      const config = stage.part(Config);
      const { settings } = config;
      const mailer = stage.part(Mailer);
      if (why === 'mail goes nowhere') Object.assign(mailer, { isConfigured: false });
      else config.replace({ ...settings, WEBHOOK_ALERT_EMAIL: undefined });
      let id: string;
      try {
        ({ id } = await gone());
        await heard();
        expect(await isAskedFor(id)).toBe(false);
      } finally {
        config.replace(settings);
        Object.assign(mailer, { isConfigured: true });
      }
      expect(await mailsAbout(id)).toEqual([]);
    },
  );
});
