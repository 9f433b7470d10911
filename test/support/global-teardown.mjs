/** Runs once after all tests, in the process of global-setup.mjs: stops the server that it started, if it did. */
export default async function globalTeardown() {
  await globalThis.stopTestPostgres?.();
  delete globalThis.stopTestPostgres;
}
