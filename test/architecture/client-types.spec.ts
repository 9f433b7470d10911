import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '..', '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** What a browser knows, and nothing of Node. */
const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2024,
  lib: ['lib.es2024.d.ts', 'lib.dom.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  customConditions: ['source'],
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  types: [],
};

/** What the compiler says of a page that calls the API through the client. */
function complaintsAbout(code: string): string[] {
  const page = join(ROOT, 'test', 'architecture', 'page.ts');
  const text = `import { createSteelyardClient } from '#client';
    const client = createSteelyardClient({ baseUrl: 'http://localhost:3000' });
    declare const password: string;
    ${code}`;
  const host = ts.createCompilerHost(OPTIONS);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => name === page || fileExists(name);
  host.getSourceFile = (name, ...rest) =>
    name === page ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2024) : getSourceFile(name, ...rest);
  const program = ts.createProgram([page], OPTIONS, host);
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

describe('the typed client', () => {
  it('fits the passkeys of browsers, as the README shows it', () => {
    const snippets = [...README.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code!);
    const passkeys = snippets.filter((code) => code.includes('navigator.credentials'));
    expect(passkeys).toHaveLength(1);
    expect(complaintsAbout(passkeys[0]!)).toEqual([]);
  });

  it('knows each answer that says that a mail was sent, and how sure a session is', () => {
    const page = `const { data: user } = await client.POST('/api/v1/auth/forgot-password', { body: { email: 'a@b.cd' } });
      const sent: 'reset_sent' | undefined = user?.status;
      const { data: sessions } = await client.GET('/api/v1/users/me/sessions');
      const aal: 1 | 2 | undefined = sessions?.data[0]?.aal;
      export { aal, sent };`;
    expect(complaintsAbout(page)).toEqual([]);
  });
});
