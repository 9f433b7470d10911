/**
 * The environment of the tests: Node itself loads the specs and what they import, once for each worker. The module
 * registry of Jest would load Nest, every package and every source anew for each spec, and that takes longer than
 * most tests. Each spec has Jest's functions for itself all the same.
 *
 * What a spec changes by a spy, by fake timers or in the variables of the process ends with the spec. What it changes in
 * a module stays for those after it. For the same reason `beforeEach` and its like stand in specs and in functions that
 * specs call: at the top of a helper they would be those of the first spec alone.
 */
import './source-hooks.mjs';
import { findSourceMap, setSourceMapsSupport } from 'node:module';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { ModernFakeTimers } from '@jest/fake-timers';
import { TestEnvironment } from 'jest-environment-node';

// Before anything is loaded to which a stack may lead.
setSourceMapsSupport(true);

/** Of the language. Each context has its own, and an error that a test makes would be none to Jest's functions. */
const CLASSES = runInNewContext('Object.getOwnPropertyNames(globalThis)').filter(
  (name) => /^[A-Z]/.test(name) && typeof globalThis[name] === 'function',
);

/** @public Jest makes one for each spec. */
export default class NativeEnvironment extends TestEnvironment {
  #undo = [];
  #variables = { ...process.env };

  constructor(config, context) {
    super(config, context);
    for (const name of CLASSES) this.global[name] = globalThis[name];
    this.fakeTimersModern = new ModernFakeTimers({ config: config.projectConfig, global: globalThis });
    // native-spec.mjs calls it.
    this.global.loadNatively = async (url, jestGlobals) => {
      this.#replace(globalThis, { ...jestGlobals, console: this.global.console });
      // Says where it was called.
      this.#replace(process, { exit: this.global.process.exit });
      Error.prepareStackTrace = stackOfSources;
      await import(url);
    };
  }

  #replace(target, values) {
    for (const [name, value] of Object.entries(values)) {
      const before = target[name];
      this.#undo.push(() => (target[name] = before));
      target[name] = value;
    }
  }

  async teardown() {
    this.moduleMocker.restoreAllMocks();
    for (const undo of this.#undo) undo();
    for (const name of Object.keys(process.env)) if (!(name in this.#variables)) delete process.env[name];
    Object.assign(process.env, this.#variables);
    await super.teardown();
  }
}

/** Jest does not know the source maps of what Node has loaded. Node does, and names functions so that Jest hides them. */
function stackOfSources(error, sites) {
  return [String(error), ...sites.map((site) => `    at ${inSource(site)}`)].join('\n');
}

function inSource(site) {
  const [file, line, column] = [site.getFileName(), site.getLineNumber(), site.getColumnNumber()];
  const origin = file && findSourceMap(file)?.findOrigin(line, column);
  if (!origin?.fileName) return String(site);
  const place = `${fileURLToPath(origin.fileName)}:${origin.lineNumber}:${origin.columnNumber}`;
  return String(site).replace(`${file}:${line}:${column}`, () => place);
}
