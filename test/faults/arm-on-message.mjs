/**
 * Loaded into an application before its own code: arms and disarms failpoints while it runs, so that it can be brought
 * to a place in which it is to crash without a restart. Ends with whoever started it.
 */
import { armFailpoints } from '#platform/failpoints';

process.on('message', (failpoints) => {
  armFailpoints(failpoints);
  process.send('armed');
});
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// It is the application's own work that keeps it alive.
process.channel.unref();
