/**
 * Runs once after all tests, in the process of global-setup.mjs, and ends what that began.
 *
 * @public Jest calls it.
 */
export default async function globalTeardown() {
  await globalThis.endTestRun();
}
