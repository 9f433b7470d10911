/** Runs once after all tests, in the process of global-setup.mjs, and ends what that began. */
export default async function globalTeardown() {
  await globalThis.endTestRun();
}
