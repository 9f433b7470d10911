import packageJson from '#package' with { type: 'json' };

/** The version of this release, from package.json. */
export const VERSION = packageJson.version;
