import { Command, InvalidArgumentError } from 'commander';
import { AuditLog, type Head, type Verification } from '#platform/audit';
import { ProcessError } from '#platform/process';
import { withModules } from '../with-modules.js';

/** Entries between two lines about the progress. */
const ENTRIES_PER_LINE = 10_000;

const HEAD = /^([1-9]\d{0,14}):([0-9a-f]{64})$/;

/** `audit verify`: what `GET /admin/audit-log/verify` does in parts, for all of a long log. */
export function auditLogCommand(): Command {
  const command = new Command('audit').description('looks after the audit log');
  command
    .command('verify')
    .description(
      'computes the chain of hashes anew, and fails at the first entry that does not agree; prints the head, to be noted ' +
        'where those who own the database cannot write',
    )
    .option('--from-head <position:hash>', 'begin at a head that was noted earlier', headOf)
    .action(({ fromHead }: { fromHead?: Head }) =>
      withModules([], (app) => verify(app.get(AuditLog, { strict: false }), fromHead)),
    );
  return command;
}

async function verify(auditLog: AuditLog, known: Head | undefined): Promise<void> {
  let lines = 0;
  const result = await auditLog.verify(known, (soFar) => {
    if (soFar.checked >= (lines + 1) * ENTRIES_PER_LINE) {
      lines = Math.floor(soFar.checked / ENTRIES_PER_LINE);
      tell(soFar);
    }
    return true;
  });
  tell(result);
  if (result.firstBroken !== undefined) {
    throw new ProcessError(
      `Entry ${result.firstBroken} does not agree: it was changed, put there, or is gone.`,
    );
  }
  console.log('The audit log is as it was written.');
}

function tell({ checked, head: { position, hash } }: Verification): void {
  console.log(`${checked} entries agree; the head is ${position}:${hash.toString('hex')}`);
}

function headOf(text: string): Head {
  const [, position, hash] = HEAD.exec(text) ?? [];
  if (position === undefined || hash === undefined) {
    throw new InvalidArgumentError('It must be a position and its hash, as `audit verify` prints them.');
  }
  return { position: Number(position), hash: Buffer.from(hash, 'hex') };
}
