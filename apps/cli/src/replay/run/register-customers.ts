import type { Registered, User } from './api-types.js';
import { forEachConcurrently } from './concurrency.js';
import { readPages } from './read-pages.js';
import type { ReplayContext } from './replay-context.js';

/** Somebody has the e-mail address or the id. Unless it is the customer of an earlier run, the first order fails. */
const EXISTS_CODES: ReadonlySet<string> = new Set(['email_taken', 'user_id_taken']);

/** The server has every address confirmed by a mail first, which nobody here reads. */
const ACCEPTED = 202;
const VERIFICATION_CODE = 'email_not_verified';

/**
 * Registers the customers. Those who have an account are looked up first, because the API hashes a password before it
 * finds out that the account exists, and that is the dearest thing in all of a replay.
 */
export async function registerCustomers(context: ReplayContext): Promise<void> {
  const { customers } = context.plan;
  await context.phase('customers', customers.length, async ({ tally, advance }) => {
    const registered = tally('customers');
    const knownIds = await findKnownIds(context);
    const newcomers = customers.filter(({ id }) => !knownIds.has(id));
    registered.unchanged += customers.length - newcomers.length;
    advance(customers.length - newcomers.length);

    await forEachConcurrently(newcomers, context.concurrency, async (customer) => {
      const { id, email, password, name, idempotencyKey } = customer;
      const answer = await context.client.send<Registered>((api, init) =>
        api.POST('/api/v1/users', {
          ...init,
          params: { header: { 'Idempotency-Key': idempotencyKey } },
          body: { id, email, password, name },
        }),
      );
      if (answer.ok && answer.status === ACCEPTED) {
        registered.failed += 1;
        context.log.fail({ subject: 'customer', id, code: VERIFICATION_CODE });
      } else if (answer.ok) registered[answer.isReplayed ? 'unchanged' : 'changed'] += 1;
      else if (EXISTS_CODES.has(answer.code)) registered.unchanged += 1;
      else {
        registered.failed += 1;
        context.log.fail({ subject: 'customer', id, code: answer.code });
      }
      advance();
    });
  });
}

async function findKnownIds({ staff }: ReplayContext): Promise<Set<string>> {
  const ids = new Set<string>();
  const pages = readPages<User>(staff, 'the users', (page) => (api, init) => {
    return api.GET('/api/v1/users', { ...init, params: { query: { q: 'customer-', ...page } } });
  });
  for await (const page of pages) {
    for (const { id } of page) ids.add(id);
  }
  return ids;
}
