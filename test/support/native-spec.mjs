/**
 * What Jest loads in place of a spec: a line that has native-environment.mjs load the spec.
 *
 * @public Jest calls it.
 */
export default {
  process: () => ({
    code: `import * as jest from '@jest/globals';\nawait loadNatively(import.meta.url, jest);`,
  }),
};
