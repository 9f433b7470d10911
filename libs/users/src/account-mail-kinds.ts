import { newId } from '#kernel';
import { mailKind } from '#platform/mail';
import type { Recipient } from './letter.js';

/** What a mail with a token is asked for with. */
interface TokenMail {
  readonly email: string;
  /** The same for each attempt to send the mail; absent in the queue of before. */
  readonly mailId?: string;
}

/** Asks for one mail to an address. */
export function oneMailTo(email: string): Required<TokenMail> {
  return { email, mailId: newId() };
}

/**
 * Tells what became of an account, to the address of then: whoever breaks in moves it on, and the first notice is the
 * one that the owner reads. Each takes the password, a mailed token or a log-in elsewhere, so no stranger has them sent.
 */
const NEWS = { keepsEach: true };

/** The mails of accounts. Those about an address are asked for whether or not somebody has it. */
export const accountMails = {
  /** A token that confirms the address, as long as that is not done. */
  verifyEmail: mailKind<TokenMail>('users.verify_email'),
  /** A token that confirms the address, which staff have put in the place of another. */
  verifyMoved: mailKind<TokenMail>('users.verify_moved'),
  /** Somebody registers with an address that has an account. */
  addressTaken: mailKind<TokenMail>('users.address_taken'),
  /** A token that sets a new password. */
  resetPassword: mailKind<TokenMail>('users.reset_password'),
  /** The password is another now; `hadSecondFactor`: and a second factor is gone, of whoever had not proven the address. */
  passwordChanged: mailKind<Recipient & { hadSecondFactor?: boolean }>('users.password_changed', NEWS),
  /** A token that confirms the new address, which goes there. */
  changeEmail: mailKind<TokenMail & { userId: string }>('users.change_email'),
  /** A log-in at an outside identity provider opens the account. */
  identityLinked: mailKind<Recipient & { issuer: string }>('users.identity_linked', NEWS),
  /** Log-ins at outside identity providers do not open the account any more. */
  identitiesEnded: mailKind<Recipient & { issuers: readonly string[] }>('users.identities_ended', NEWS),
  /** The account belongs to another address now: to the old one. */
  emailChanged: mailKind<Recipient>('users.email_changed', NEWS),
  /** The account is gone. The queue holds the address until this last mail has left, and nobody does after that. */
  erased: mailKind<Recipient>('users.erased'),
};
