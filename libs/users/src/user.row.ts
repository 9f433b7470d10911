import type { Role } from '#kernel';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A row of users.users. Times are the application's, to the millisecond, so that cursors compare exactly. */
@Entity({ schema: 'users', name: 'users' })
export class UserRow {
  @PrimaryColumn('uuid')
  id!: string;

  /** In lower case; unique among those who are not deleted. */
  @Column('text')
  email!: string;

  @Column('text')
  name!: string;

  @Column('text')
  role!: Role;

  /** Argon2id in PHC format. Only statements of their own read it, wherever a password is claimed. */
  @Column('text', { name: 'password_hash', select: false })
  passwordHash!: string;

  /** When its owner proved that they read the mail of the address; null until then. */
  @Column('timestamptz', { name: 'email_verified_at', nullable: true })
  emailVerifiedAt!: Date | null;

  /** Rises by one with each change, from 1. It is the ETag. */
  @Column('integer')
  version!: number;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt!: Date;

  @Column('timestamptz', { name: 'deleted_at', nullable: true })
  deletedAt!: Date | null;
}

/** What the module passes around of a user: everything but the password's hash. */
export type User = Omit<UserRow, 'passwordHash' | 'deletedAt'>;

/** A user, and the hash that their password was verified against. */
export type ProvenUser = User & { readonly passwordHash: string };

/** The columns of a `User`, for statements written by hand; `u` stands for users.users. */
export const USER_COLUMNS = `u.id, u.email, u.name, u.role, u.version, u.email_verified_at AS "emailVerifiedAt", u.created_at AS "createdAt",
  u.updated_at AS "updatedAt"`;
