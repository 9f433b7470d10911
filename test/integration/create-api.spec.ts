import { EventBus } from '#platform/messaging';
import { createApi } from '../../apps/api/src/index.js';
import { createTestDatabase } from '../support/test-database.js';
import { testSettings } from '../support/test-settings.js';

it('an API consumes events before it listens: a worker in the same process may be faster', async () => {
  const database = await createTestDatabase();
  const app = await createApi(await testSettings({ DATABASE_URL: database.url }));
  expect(app.get(EventBus, { strict: false }).consumers).not.toEqual([]);
  await app.close();
  await database.drop();
});
