import { Command } from 'commander';
import { grantOf, isCheckedLive, type Permission, POLICY } from '#platform/security';
import { markdownTable, replaceSection, rootOption } from '../generated-documents.js';

/** `permissions`: the page of the documentation that shows the access policy. */
export function permissionsCommand(): Command {
  return new Command('permissions')
    .description('writes the access policy into docs/permissions.md')
    .addOption(rootOption())
    .action(({ root }: { root: string }) =>
      replaceSection(root, 'docs/permissions.md', 'permissions', permissionsTable()),
    );
}

function permissionsTable(): string {
  const rows = (Object.keys(POLICY) as Permission[]).map((name) => {
    const { means, own = '', all = '', scope, stepUp = '' } = grantOf(name);
    return [`\`${name}\``, means, own, all, scope ? 'yes' : '', stepUp, isCheckedLive(name) ? 'yes' : ''];
  });
  return markdownTable(
    [
      'Permission',
      'What one may',
      'On what is theirs',
      'On everything, from',
      'Scope of keys',
      'Second factor',
      'Looked up',
    ],
    rows,
  );
}
