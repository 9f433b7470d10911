/** Unit and property tests beside the code, everything else under test/. Runs on ES modules: see the `test` script. */
const swc = {
  jsc: {
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    target: 'es2024',
    keepClassNames: true,
    experimental: { keepImportAttributes: true },
  },
  module: { type: 'es6' },
  sourceMaps: 'inline',
};

export default {
  roots: ['<rootDir>/apps', '<rootDir>/libs', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', { ...swc, swcrc: false }] },
  // `#orders` and its like resolve through the `imports` of package.json to the sources, not to dist/.
  testEnvironmentOptions: { customExportConditions: ['source', 'node', 'node-addons'] },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  testEnvironment: 'node',
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  setupFiles: ['<rootDir>/test/support/load-nest-first.mjs'],
  // Each worker has a core to itself where there are two; PostgreSQL takes what they leave.
  maxWorkers: 2,
  testTimeout: 30_000,
  // After a whole run a worker needs longer than the 500 ms of Jest to give its heap back: that is not a worker that hangs.
  workerGracefulExitTimeout: 10_000,
};
