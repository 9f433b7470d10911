import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** What domain/ and the kernel must not reach for; the message names what to use instead. */
const IMPURE_CALLS = [
  {
    selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
    message: 'Take the time as an argument: the use case reads it from the injected Clock.',
  },
  {
    selector: ":matches(NewExpression[arguments.length=0], CallExpression)[callee.name='Date']",
    message: 'Take the time as an argument: the use case reads it from the injected Clock.',
  },
  {
    selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']",
    message: 'Take the random value as an argument: the use case makes it.',
  },
  {
    selector: 'CallExpression[callee.name=/^(randomUUID(v7)?|newId)$/]',
    message: 'Take the id as an argument: the use case makes it with newId() of the kernel.',
  },
  {
    selector: 'CallExpression[callee.property.name=/^randomUUID(v7)?$/]',
    message: 'Take the id as an argument: the use case makes it with newId() of the kernel.',
  },
];

/** What reads the clock or the surroundings, or starts something that outlives the call. */
const IMPURE_GLOBALS = [
  'console',
  'crypto',
  'fetch',
  'globalThis',
  'performance',
  'process',
  'setImmediate',
  'setInterval',
  'setTimeout',
].map((name) => ({
  name,
  message: 'The domain is pure: put this behind a port and call it from application/.',
}));

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', '.steelyard/', 'libs/client/src/generated/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error', reportUnusedInlineConfigs: 'error' } },

  {
    files: ['**/*.ts'],
    extends: [js.configs.recommended, tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
      'no-console': ['error'],
      // verbatimModuleSyntax already refuses a type that is imported as a value. The rule of ESLint would rewrite
      // the imports of injected classes to types, and their constructors would lose the metadata.
      '@typescript-eslint/consistent-type-imports': 'off',
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // What implements a port is asynchronous by contract, whether or not it waits.
      '@typescript-eslint/require-await': 'off',
      // A Nest module is a class with a decorator and little else; a class without members can be a token.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true, allowEmpty: true }],
      // Nest declares as classes the options that callers write as literals.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true, argsIgnorePattern: '^_' }],
    },
  },

  {
    name: 'the domain is pure',
    files: ['libs/*/src/domain/**/*.ts'],
    ignores: ['**/*.spec.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...IMPURE_CALLS],
      'no-restricted-globals': ['error', ...IMPURE_GLOBALS],
    },
  },

  {
    name: 'entry points talk to the terminal',
    files: ['apps/**/*.ts'],
    rules: { 'no-console': 'off' },
  },

  {
    name: 'tests',
    files: ['**/*.spec.ts', 'test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      // A describe() holds its cases.
      'max-lines-per-function': 'off',
      // A test states what is there; when it is not, it fails.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // What comes over the wire is untyped until it is asserted.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },

  {
    name: 'scripts',
    files: ['**/*.mjs'],
    extends: [js.configs.recommended],
    languageOptions: { globals: nodeGlobals() },
    rules: { eqeqeq: ['error', 'always', { null: 'ignore' }] },
  },
);

/** What Node gives a module without an import, as far as the scripts use it. */
function nodeGlobals() {
  const names = [
    'process',
    'console',
    'fetch',
    'performance',
    'setTimeout',
    'clearTimeout',
    'URL',
    'AbortSignal',
    'Buffer',
  ];
  return Object.fromEntries(names.map((name) => [name, 'readonly']));
}
