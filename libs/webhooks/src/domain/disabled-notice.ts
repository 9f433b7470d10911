import type { DisabledReason } from './endpoint-status.js';

/** What a mail tells of an endpoint that gets nothing any more. Of its URL the host alone: partners put tokens into it. */
export interface DisabledEndpoint {
  readonly id: string;
  readonly host: string;
  readonly description: string | null;
  readonly version: number;
  readonly reason: Exclude<DisabledReason, 'requested'>;
  readonly disabledAt: Date;
  readonly failingSince: Date;
  /** Webhooks that were not sent yet; above `maxCounted` nobody has counted on. */
  readonly waiting: number;
  readonly maxCounted: number;
  /** When the oldest event happened that the endpoint has not got. */
  readonly missedSince: Date;
}

/** The mail that tells what has happened to the endpoint, and what to do about it. */
export function writeDisabledNotice(endpoint: DisabledEndpoint): { subject: string; text: string } {
  const { id, host, description, version, disabledAt, waiting, maxCounted, missedSince } = endpoint;
  const route = `/api/v1/webhook-endpoints/${id}`;
  const paragraphs = [
    `Nothing is sent any more to the webhook endpoint ${id} at ${host}.`,
    [
      ...(description === null ? [] : [`Description: ${inOneLine(description)}`]),
      `Reason: ${reasonOf(endpoint)}`,
      `Disabled since: ${disabledAt.toISOString()}`,
      `Webhooks that waited for it: ${waiting > maxCounted ? `more than ${maxCounted}` : waiting}`,
    ].join('\n'),
    'Neither these are sent by themselves, nor what happens meanwhile. When the endpoint is well again, an admin, or a ' +
      'key with the scope webhooks:write, makes it active:',
    `PATCH ${route}\nIf-Match: "${version}"\n\n{ "status": "active" }`,
    'Then sees whether it answers:',
    `POST ${route}/ping`,
    'And has sent again what it has missed:',
    `POST ${route}/replay\n\n{ "after": "${missedSince.toISOString()}" }`,
    'While continueAfter of the answer is not null, that was not all: again with it as after. 409 webhook_backlog: ' +
      'again when what waits has left.',
    'If nobody needs it any more, DELETE it.',
  ];
  return { subject: `A webhook endpoint is disabled: ${host}`, text: `${paragraphs.join('\n\n')}\n` };
}

/** A text by whoever made the endpoint, which must not look like a part of the mail. */
function inOneLine(text: string): string {
  return text.replace(/[\p{C}\p{Z}]+/gu, ' ').trim();
}

function reasonOf({ reason, failingSince }: DisabledEndpoint): string {
  return reason === 'gone'
    ? 'it has answered 410, which means that it is gone for good'
    : `nothing has succeeded since ${failingSince.toISOString()}`;
}
