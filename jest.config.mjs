/** Unit and property tests beside the code, everything else under test/. */
export default {
  roots: ['<rootDir>/apps', '<rootDir>/libs', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  // Node loads the specs, and Jest runs them: see there. What Jest would clean up after each is Node's own.
  testEnvironment: '<rootDir>/test/support/native-environment.mjs',
  testEnvironmentOptions: { globalsCleanup: 'off' },
  transform: { '\\.spec\\.ts$': '<rootDir>/test/support/native-spec.mjs' },
  // Only to find the specs that a change concerns (`--onlyChanged`, watch mode): Node resolves for itself.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  // Each worker has a core to itself where there are two; PostgreSQL takes what they leave.
  maxWorkers: 2,
  testTimeout: 30_000,
  // After a whole run a worker needs longer than the 500 ms of Jest to give its heap back: that is not a worker that hangs.
  workerGracefulExitTimeout: 10_000,
};
