import type { Passkey } from './passkeys.js';
import type { PasskeyView, SecondFactorStatusView } from './second-factor.schema.js';
import type { SecondFactorStatus } from './second-factors.js';

/** A passkey as the API shows it. */
export function toPasskeyView({ createdAt, lastUsedAt, ...passkey }: Passkey): PasskeyView {
  return {
    ...passkey,
    createdAt: createdAt.toISOString(),
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
  };
}

/** What a user has, as the API shows it: no secret among it. */
export function toStatusView({
  totpEnrolledAt,
  passkeys,
  recoveryCodesLeft,
}: SecondFactorStatus): SecondFactorStatusView {
  return {
    totp: totpEnrolledAt ? { enrolledAt: totpEnrolledAt.toISOString() } : null,
    passkeys: passkeys.map(toPasskeyView),
    recoveryCodesLeft,
  };
}
