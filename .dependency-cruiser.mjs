/**
 * The walls of the house: who may know whom. `npm run boundaries` checks apps/ and libs/
 * against these rules, types included; test/architecture/boundaries.spec.ts proves that every rule bites.
 *
 * In a rule, `$1` in `to` stands for what the first group of `from` matched.
 */

/** What a module shows to others: `index.ts`; in platform, one per concern. */
const LIB_DOORS = ['^libs/(?!platform/)[^/]+/src/index\\.ts$', '^libs/platform/src/[^/]+/index\\.ts$'];
const APP_DOORS = ['^apps/[^/]+/src/index\\.ts$'];
const MIGRATIONS_DOOR = '^migrations/index\\.ts$';

/** Integration events: ids and primitives at the module's root, which rooms append and consume. */
const OWN_EVENTS = '^libs/$1/src/[^/]+\\.events\\.ts$';

/** @type {import('dependency-cruiser').IForbiddenRuleType[]} */
const rooms = [
  {
    name: 'domain-is-pure',
    comment:
      'domain/ knows itself and the kernel: no framework, no package, no Node built-in, no other room.',
    severity: 'error',
    from: { path: '^libs/([^/]+)/src/domain/' },
    to: { pathNot: ['^libs/$1/src/domain/', '^libs/kernel/src/index\\.ts$'] },
  },
  {
    name: 'application-looks-down',
    comment:
      'application/ works on its domain/ and declares ports; infrastructure/, api/ and the wiring know it.',
    severity: 'error',
    from: { path: '^libs/([^/]+)/src/application/' },
    to: { path: '^libs/$1/', pathNot: ['^libs/$1/src/(application|domain)/', OWN_EVENTS] },
  },
  {
    name: 'edges-look-inward',
    comment:
      'infrastructure/ and api/ know their own application/ and domain/ and the platform, not each other and no ' +
      'other feature: another feature is called from application/. Who may simulate a gateway is a rule of its own.',
    severity: 'error',
    from: { path: '^libs/([^/]+)/src/(infrastructure|api)/' },
    to: {
      path: '^libs/',
      pathNot: [
        '^libs/$1/src/($2|application|domain)/',
        OWN_EVENTS,
        '^libs/(kernel|platform|simulated-gateway)/',
      ],
    },
  },
];

/** @type {import('dependency-cruiser').IForbiddenRuleType[]} */
const modules = [
  {
    name: 'kernel-stands-alone',
    comment: 'The kernel knows nothing but itself and Node.',
    severity: 'error',
    from: { path: '^libs/kernel/' },
    to: { pathNot: '^libs/kernel/', dependencyTypesNot: ['core'] },
  },
  {
    name: 'simulated-gateway-stands-alone',
    comment:
      'The engine that simulates a gateway knows itself, Node and the kernel: no framework, no network.',
    severity: 'error',
    from: { path: '^libs/simulated-gateway/' },
    to: {
      pathNot: ['^libs/simulated-gateway/', '^libs/kernel/src/index\\.ts$'],
      dependencyTypesNot: ['core'],
    },
  },
  {
    name: 'simulated-gateway-is-for-gateways',
    comment: 'Of all modules, only the gateways of payments know the engine that simulates one.',
    severity: 'error',
    from: { path: '^libs/(?!simulated-gateway/|payments/src/infrastructure/)' },
    to: { path: '^libs/simulated-gateway/' },
  },
  {
    name: 'platform-knows-kernel-only',
    comment: 'The platform serves every feature, so it knows none.',
    severity: 'error',
    from: { path: '^libs/platform/' },
    to: { path: '^libs/', pathNot: '^libs/(platform|kernel)/' },
  },
  {
    name: 'platform-concerns-form-no-circle',
    comment: 'Among the concerns of the platform, knowing goes one way.',
    severity: 'error',
    scope: 'folder',
    from: { path: '^libs/platform/src/[^/]+$' },
    to: { path: '^libs/platform/src/[^/]+$', circular: true },
  },
  {
    name: 'orders-knows-those-below',
    comment: 'Orders stands on catalog, payments and users.',
    severity: 'error',
    from: { path: '^libs/orders/' },
    to: { path: '^libs/', pathNot: '^libs/(orders|catalog|payments|users|platform|kernel)/' },
  },
  {
    name: 'feature-knows-no-feature',
    comment:
      'Every feature but orders stands on platform and kernel alone; what goes the other way is an event. Who may ' +
      'simulate a gateway is a rule of its own.',
    severity: 'error',
    from: { path: '^libs/(?!(?:orders|platform|kernel|client|simulated-gateway)/)([^/]+)/' },
    to: { path: '^libs/', pathNot: '^libs/($1|platform|kernel|simulated-gateway)/' },
  },
  {
    name: 'client-is-for-callers',
    comment:
      'The generated client is a caller of the API: it knows nothing of the house, and no module knows it.',
    severity: 'error',
    from: { path: '^libs/client/' },
    to: { path: '^(apps|libs)/', pathNot: '^libs/client/' },
  },
  {
    name: 'libs-know-no-entry-points',
    comment: 'Libraries are composed by apps and know nothing of apps, tests, scripts or migrations.',
    severity: 'error',
    from: { path: '^libs/' },
    to: { path: '^(apps|test|scripts|migrations)/' },
  },
  {
    name: 'migrations-stand-alone',
    comment: 'History does not change when the code does: a migration says itself what it needs.',
    severity: 'error',
    from: { path: '^migrations/' },
    to: { path: '^(apps|libs|test|scripts)/' },
  },
];

/** @type {import('dependency-cruiser').IForbiddenRuleType[]} */
const doors = [
  {
    name: 'modules-talk-through-doors',
    comment: "From one module to another only through the other's index.ts.",
    severity: 'error',
    from: { path: '^libs/([^/]+)/' },
    to: { path: '^libs/', pathNot: ['^libs/$1/', ...LIB_DOORS] },
  },
  {
    name: 'concerns-talk-through-doors',
    comment: "From one platform concern to another only through the other's index.ts.",
    severity: 'error',
    from: { path: '^libs/platform/src/([^/]+)/' },
    to: { path: '^libs/platform/', pathNot: ['^libs/platform/src/$1/', ...LIB_DOORS] },
  },
  {
    name: 'apps-know-doors-only',
    comment:
      'Entry points compose what the doors show: those of libs and, where one process runs two, of apps.',
    severity: 'error',
    from: { path: '^apps/([^/]+)/' },
    to: {
      path: '^(apps|libs|migrations|test|scripts)/',
      pathNot: ['^apps/$1/', ...APP_DOORS, ...LIB_DOORS, MIGRATIONS_DOOR],
    },
  },
  {
    name: 'doors-are-called-by-name',
    comment:
      'Another module is imported by its name (#catalog), which cannot reach past its door; not by a path.',
    severity: 'error',
    from: { path: '^(?:libs|apps)/([^/]+)/' },
    to: { path: '^libs/', pathNot: '^libs/$1/', dependencyTypesNot: ['aliased-subpath-import'] },
  },
];

/** @type {import('dependency-cruiser').IForbiddenRuleType[]} */
const everywhere = [
  {
    name: 'no-circle',
    comment: 'No file is needed to load itself, types included.',
    severity: 'error',
    from: {},
    to: { circular: true },
  },
  {
    name: 'no-unresolvable',
    comment: 'What the gate cannot resolve it cannot judge.',
    severity: 'error',
    from: {},
    to: { couldNotResolve: true },
  },
  {
    name: 'no-build-output',
    comment: 'Names resolve to sources here; one that lands in dist/ would make the gate blind.',
    severity: 'error',
    from: {},
    to: { path: '^dist/' },
  },
  {
    name: 'no-dev-dependency',
    comment: 'What runs in production is a dependency, not a devDependency. Types are gone by then.',
    severity: 'error',
    from: {},
    to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm', 'type-only'] },
  },
];

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [...rooms, ...modules, ...doors, ...everywhere],
  options: {
    tsPreCompilationDeps: true,
    exclude: { path: '\\.spec\\.ts$' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      // `source` first, as in tsconfig.json: `#orders` is libs/orders/src/index.ts and not the build.
      conditionNames: ['source', 'import', 'require', 'node', 'types', 'default'],
      exportsFields: ['exports'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
