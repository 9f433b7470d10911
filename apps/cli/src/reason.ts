import { type Command, InvalidArgumentError } from 'commander';
import { MAX_REASON_LENGTH, reasonSchema } from '#platform/http';

/** Has a command that does what else takes the rights of staff ask why, for the audit log. */
export function withReason(command: Command): Command {
  return command.requiredOption('--reason <text>', 'why, for the audit log', reasonOf);
}

function reasonOf(text: string): string {
  const { success, data } = reasonSchema.safeParse(text);
  if (success) return data;
  throw new InvalidArgumentError(`It must be a text of 1 to ${MAX_REASON_LENGTH} characters.`);
}
