import { Injectable } from '@nestjs/common';
import { Clock, DomainError, newId, type Role } from '#kernel';
import { currentActor } from '#platform/context';
import { Database, isUniqueViolation, statement } from '#platform/database';
import { type ExpectedVersions, type Page, Paginator, requireVersion } from '#platform/http';
import { EventBus } from '#platform/messaging';
import { IsNull } from 'typeorm';
import { NO_PASSWORD } from './passwords.js';
import { pseudonymOf } from './pseudonym.js';
import { type ProvenUser, type User, USER_COLUMNS, UserRow } from './user.row.js';
import { usersErrors } from './users.errors.js';
import { userErased, userRegistered, userUpdated } from './users.events.js';
import type { UsersQuery } from './users.schema.js';

/** The version of a user who has just registered. */
export const FIRST_VERSION = 1;

const ERASED_NAME = 'Erased user';

const userByEmail = statement(
  'users.by_email',
  `SELECT ${USER_COLUMNS}, u.password_hash AS "passwordHash" FROM users.users u
    WHERE u.email = $1 AND u.deleted_at IS NULL`,
);
const userById = statement(
  'users.by_id',
  `SELECT ${USER_COLUMNS} FROM users.users u WHERE u.id = $1 AND u.deleted_at IS NULL`,
);
const userWithPassword = statement(
  'users.by_id_with_password',
  `SELECT ${USER_COLUMNS}, u.password_hash AS "passwordHash" FROM users.users u
    WHERE u.id = $1 AND u.deleted_at IS NULL`,
);
const holdUser = statement(
  'users.hold',
  `SELECT ${USER_COLUMNS} FROM users.users u
    WHERE u.id = $1 AND ($2::text IS NULL OR u.password_hash = $2) AND u.deleted_at IS NULL FOR SHARE`,
);
const otherAdmins = statement(
  'users.other_admins',
  `SELECT EXISTS (SELECT FROM users.users WHERE role = 'admin' AND id <> $1 AND deleted_at IS NULL) AS remain`,
);

interface NewUser {
  readonly id?: string | undefined;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly passwordHash: string;
  /** When the address was proven; absent where it was not. */
  readonly emailVerifiedAt?: Date;
}

/** What a user does not simply edit: each field only with a proof. */
type AccountChange = Partial<Pick<UserRow, 'email' | 'emailVerifiedAt' | 'passwordHash'>>;

/** Whose account it is, and the hash that their password was verified against; absent where none was asked for. */
type AccountProof = Pick<User, 'id'> & Partial<Pick<ProvenUser, 'passwordHash'>>;

/** What others edit of a user; each field by a permission of its own. */
type UserEdit = Partial<Pick<UserRow, 'name' | 'email' | 'role'>>;

type ProfileWrite = Partial<Pick<UserRow, 'name' | 'role'>>;

/** Who there is: adding, finding and editing users. */
@Injectable()
export class UsersService {
  constructor(
    private readonly database: Database,
    private readonly events: EventBus,
    private readonly paginator: Paginator,
    private readonly clock: Clock,
  ) {}

  /**
   * Adds a user of any role.
   *
   * @throws DomainError email_taken, user_id_taken
   */
  async add({ id = newId(), passwordHash, emailVerifiedAt, ...properties }: NewUser): Promise<User> {
    const now = this.clock.now();
    const user = {
      ...properties,
      id,
      emailVerifiedAt: emailVerifiedAt ?? null,
      version: FIRST_VERSION,
      createdAt: now,
      updatedAt: now,
    };
    return this.database.transaction(async () => {
      try {
        await this.database.manager.insert(UserRow, { ...user, passwordHash });
      } catch (error) {
        if (isUniqueViolation(error, 'users_email')) throw new DomainError(usersErrors.email_taken);
        if (isUniqueViolation(error, 'users_pkey')) throw new DomainError(usersErrors.user_id_taken);
        throw error;
      }
      await this.events.publish(userRegistered, {
        aggregateId: id,
        sequence: FIRST_VERSION,
        data: { userId: id, role: user.role },
      });
      return user;
    });
  }

  /** The user with this id, if there is one. */
  async find(id: string): Promise<User | undefined> {
    return this.database.queryOne<User>(userById, [id]);
  }

  /** The user with this e-mail address, given in lower case, and the hash of their password. */
  async findByEmail(email: string): Promise<(User & { passwordHash: string }) | undefined> {
    return this.database.queryOne(userByEmail, [email]);
  }

  /** The user with this id, if there is one, and the hash of their password. */
  async findWithPassword(id: string): Promise<(User & { passwordHash: string }) | undefined> {
    return this.database.queryOne(userWithPassword, [id]);
  }

  /**
   * The user with this id, if there is one, who does not change before the running transaction ends.
   *
   * @param passwordHash what their password was verified against: nobody, once it is another
   */
  async hold(id: string, passwordHash: string | null = null): Promise<User | undefined> {
    return this.database.queryOne<User>(holdUser, [id, passwordHash]);
  }

  /** @throws DomainError user_not_found */
  async get(id: string): Promise<User> {
    const user = await this.find(id);
    if (!user) throw new DomainError(usersErrors.user_not_found);
    return user;
  }

  /**
   * Users, newest first.
   *
   * @throws DomainError invalid_cursor
   */
  async list({ q, role, ...request }: UsersQuery): Promise<Page<User>> {
    return this.paginator.page<User>(
      'users',
      { q, role },
      request,
      ({ createdAt, id }) => [createdAt.toISOString(), id],
      (after, limit) => {
        const query = this.database.manager
          .createQueryBuilder(UserRow, 'u')
          .where('u.deletedAt IS NULL')
          .orderBy('u.createdAt', 'DESC')
          .addOrderBy('u.id', 'DESC')
          .limit(limit);
        if (role) query.andWhere('u.role = :role', { role });
        if (q !== undefined) {
          const prefix = `${q.replaceAll(/[\\%_]/g, '\\$&')}%`;
          query.andWhere('(u.email LIKE lower(:prefix) OR lower(u.name) LIKE lower(:prefix))', { prefix });
        }
        if (after)
          query.andWhere('(u.createdAt, u.id) < (:createdAt, :id)', { createdAt: after[0], id: after[1] });
        return query.getMany();
      },
    );
  }

  /**
   * Changes a user, if theirs is still one of `expected`. Where nothing would change, nothing does, the version included. A new
   * address is not proven.
   *
   * @param judge is shown the user as they are, under their lock; what it throws is the refusal
   * @throws DomainError user_not_found, stale_etag, email_taken; own_admin_role when administrators would take it from
   *   themselves, last_admin when nobody would be left to administer
   */
  async update(
    id: string,
    expected: ExpectedVersions,
    change: { readonly [Field in keyof UserEdit]: UserEdit[Field] | undefined },
    judge?: (user: Readonly<User>) => Promise<void>,
  ): Promise<User> {
    return this.database.transaction(async () => {
      // Whoever may take an administrator away holds this lock, so that two of them cannot take each other's role.
      if (change.role !== undefined && change.role !== 'admin') await this.database.lock('role', 'admin');
      const user = await this.lockedRow(id);
      if (!user) throw new DomainError(usersErrors.user_not_found);
      await judge?.(user);
      requireVersion(expected, user.version);
      const { name = user.name, role = user.role, email = user.email } = change;
      if (user.role === 'admin' && role !== 'admin') await this.requireMayLoseAdmin(id);
      const emailVerifiedAt = email === user.email ? user.emailVerifiedAt : null;
      return this.write(user, { name, role, email, emailVerifiedAt });
    });
  }

  /**
   * Makes a proven change of an account, in the running transaction. Where it changes nothing, nothing does.
   *
   * @param proof whose account, and what the password was verified against, where one was asked for
   * @param decide is shown the user as they are, under their lock; what it throws is the refusal
   * @throws DomainError email_taken; when the user is gone, with whom every proof ends, or the password is another by
   *   now: wrong_password where one was asked for, else invalid_or_expired_token
   */
  async changeAccount(
    { id, passwordHash }: AccountProof,
    decide: (user: User) => Promise<AccountChange>,
  ): Promise<User> {
    const user = await this.lockedRow(id, passwordHash);
    if (!user) {
      const { wrong_password, invalid_or_expired_token } = usersErrors;
      throw new DomainError(passwordHash === undefined ? invalid_or_expired_token : wrong_password);
    }
    return this.write(user, await decide(user));
  }

  /**
   * Puts a pseudonym in the place of a person, in the running transaction, and returns who they were. The id stays.
   *
   * @param proof who, and what their password was verified against, where it was asked for
   * @throws DomainError user_not_found; wrong_password when it is another by now; last_admin
   */
  async erase({ id, passwordHash }: AccountProof): Promise<User> {
    await this.database.lock('role', 'admin');
    const user = await this.lockedRow(id, passwordHash);
    if (!user) {
      const { wrong_password, user_not_found } = usersErrors;
      throw new DomainError(passwordHash === undefined ? user_not_found : wrong_password);
    }
    if (user.role === 'admin') await this.requireOtherAdmin(id);
    const now = this.clock.now();
    const version = user.version + 1;
    const pseudonym = pseudonymOf(id);
    await this.database.manager.update(
      UserRow,
      { id },
      {
        ...{ email: pseudonym, name: ERASED_NAME, passwordHash: NO_PASSWORD, emailVerifiedAt: null },
        ...{ version, updatedAt: now, deletedAt: now },
      },
    );
    await this.events.publish(userErased, {
      aggregateId: id,
      sequence: version,
      data: { userId: id, pseudonym },
    });
    return user;
  }

  private lockedRow(id: string, passwordHash?: string): Promise<UserRow | null> {
    return this.database.manager.findOne(UserRow, {
      where: { id, deletedAt: IsNull(), ...(passwordHash !== undefined && { passwordHash }) },
      lock: { mode: 'for_no_key_update' },
    });
  }

  /**
   * Writes what of `change` is one, as one version with one event.
   *
   * @throws DomainError email_taken
   */
  private async write(user: User, change: ProfileWrite & AccountChange): Promise<User> {
    const changed = changedFields(user, change);
    if (changed.length === 0) return user;
    // Whoever registers in silence looks first whether the address is taken.
    if (change.email !== undefined && changed.includes('email')) {
      await this.database.lock('email', change.email);
    }
    const next = { ...change, version: user.version + 1, updatedAt: this.clock.now() };
    try {
      await this.database.manager.update(UserRow, { id: user.id }, next);
    } catch (error) {
      if (isUniqueViolation(error, 'users_email')) throw new DomainError(usersErrors.email_taken);
      throw error;
    }
    const written = Object.assign(user, next);
    await this.events.publish(userUpdated, {
      aggregateId: user.id,
      sequence: next.version,
      data: { userId: user.id, role: written.role, changed },
    });
    return written;
  }

  private async requireMayLoseAdmin(id: string): Promise<void> {
    const actor = currentActor();
    if (actor.kind === 'user' && actor.userId === id) throw new DomainError(usersErrors.own_admin_role);
    await this.requireOtherAdmin(id);
  }

  private async requireOtherAdmin(id: string): Promise<void> {
    const others = await this.database.queryOne<{ remain: boolean }>(otherAdmins, [id]);
    if (!others?.remain) throw new DomainError(usersErrors.last_admin);
  }
}

/** The fields of which `change` makes something else, by the names of the event. */
function changedFields(user: User, change: ProfileWrite & AccountChange) {
  const { name = user.name, role = user.role, email = user.email, passwordHash } = change;
  const { emailVerifiedAt = user.emailVerifiedAt } = change;
  const isChanged = {
    name: name !== user.name,
    role: role !== user.role,
    email: email !== user.email,
    emailVerified: (emailVerifiedAt === null) !== (user.emailVerifiedAt === null),
    password: passwordHash !== undefined,
  };
  return (Object.keys(isChanged) as (keyof typeof isChanged)[]).filter((field) => isChanged[field]);
}
