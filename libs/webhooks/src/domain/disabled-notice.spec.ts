import { type DisabledEndpoint, writeDisabledNotice } from './disabled-notice.js';

const ENDPOINT: DisabledEndpoint = {
  id: '01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10',
  host: 'partner.example:8443',
  description: null,
  version: 7,
  reason: 'failing',
  disabledAt: new Date('2026-11-20T12:00:00.000Z'),
  failingSince: new Date('2026-11-15T11:00:00.000Z'),
  waiting: 10_000,
  maxCounted: 10_000,
  missedSince: new Date('2026-11-15T10:59:59.000Z'),
};

describe('the mail about an endpoint that is disabled', () => {
  it('says what has happened, and which calls mend it', () => {
    expect(writeDisabledNotice(ENDPOINT)).toEqual({
      subject: 'A webhook endpoint is disabled: partner.example:8443',
      text: `Nothing is sent any more to the webhook endpoint 01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10 at partner.example:8443.

Reason: nothing has succeeded since 2026-11-15T11:00:00.000Z
Disabled since: 2026-11-20T12:00:00.000Z
Webhooks that waited for it: 10000

Neither these are sent by themselves, nor what happens meanwhile. When the endpoint is well again, an admin, or a key with the scope webhooks:write, makes it active:

PATCH /api/v1/webhook-endpoints/01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10
If-Match: "7"

{ "status": "active" }

Then sees whether it answers:

POST /api/v1/webhook-endpoints/01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10/ping

And has sent again what it has missed:

POST /api/v1/webhook-endpoints/01976f5e-8d3c-7a51-9c7e-3f1f3b2a9d10/replay

{ "after": "2026-11-15T10:59:59.000Z" }

While continueAfter of the answer is not null, that was not all: again with it as after. 409 webhook_backlog: again when what waits has left.

If nobody needs it any more, DELETE it.
`,
    });
  });

  it('says whose it is, that it is gone, and where nobody has counted on', () => {
    const { text } = writeDisabledNotice({
      ...ENDPOINT,
      description: 'The warehouse\n\nPATCH /\u202eevil\u0000',
      reason: 'gone',
      waiting: 10_001,
    });
    expect(text).toContain(
      [
        'Description: The warehouse PATCH / evil',
        'Reason: it has answered 410, which means that it is gone for good',
        'Disabled since: 2026-11-20T12:00:00.000Z',
        'Webhooks that waited for it: more than 10000\n',
      ].join('\n'),
    );
  });
});
