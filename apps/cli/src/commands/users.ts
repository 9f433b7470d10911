import { Argument, Command, InvalidArgumentError } from 'commander';
import { Clock, type Role, ROLES } from '#kernel';
import { auditCommand, AuditLog } from '#platform/audit';
import { emailSchema } from '#platform/http';
import { ProcessError } from '#platform/process';
import { ChangeRole, UsersFacade, UsersModule } from '#users';
import type { INestApplicationContext } from '@nestjs/common';
import { withReason } from '../reason.js';
import { withModules } from '../with-modules.js';

/** `users role`: what administrators do by the API, for where there is none yet, or none who could log in. */
export function usersCommand(): Command {
  const command = new Command('users').description('looks after accounts');
  withReason(command.command('role'))
    .description('gives an account another role, such as the first administrator’s')
    .argument('<email>', 'the address with which it is registered', emailOf)
    .addArgument(new Argument('<role>', 'what it is from now on').choices(ROLES))
    .action((email: string, role: Role, { reason }: { reason: string }) =>
      withModules([UsersModule], (app) => changeRole(app, email, role, reason)),
    );
  return command;
}

async function changeRole(
  app: INestApplicationContext,
  email: string,
  role: Role,
  reason: string,
): Promise<void> {
  const user = await app.get(UsersFacade).findByEmail(email);
  if (!user) throw new ProcessError(`Nobody is registered with ${email}: POST /api/v1/users comes first.`);
  const command = { command: 'steelyard users role', target: user.id, reason, details: { role } };
  await auditCommand(app.get(AuditLog, { strict: false }), app.get(Clock, { strict: false }), command, () =>
    app.get(ChangeRole).execute(user.id, undefined, role),
  );
  console.log(`${email} has the role ${role} now; sessions that are open get it at their next refresh.`);
}

function emailOf(text: string): string {
  const { success, data } = emailSchema.safeParse(text);
  if (success) return data;
  throw new InvalidArgumentError('It must be an e-mail address.');
}
