import { setTimeout as delay } from 'node:timers/promises';
import type { INestApplicationContext } from '@nestjs/common';

const CLOSE_TIMEOUT_MS = 5_000;

/**
 * Closes what a process holds open towards others, the connections to PostgreSQL last. One that does not let itself
 * be closed is left to the end of the process.
 */
export async function closeApplication(app: INestApplicationContext): Promise<void> {
  await Promise.race([app.close(), delay(CLOSE_TIMEOUT_MS)]);
}
