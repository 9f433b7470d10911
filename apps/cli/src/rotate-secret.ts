import { splitList } from '#platform/config';
import { ProcessError } from '#platform/process';
import { generateAppSecret, generateSigningKeys } from '#platform/security';

export const ROTATED_SETTINGS = ['APP_SECRET', 'SIGNING_KEYS'] as const;
export const ROTATION_STEPS = ['add', 'promote', 'drop'] as const;

export type RotatedSetting = (typeof ROTATED_SETTINGS)[number];
export type RotationStep = (typeof ROTATION_STEPS)[number];

/**
 * What a setting is in the next step of its rotation: with a fresh secret that is good and does not sign, with that one
 * in front to sign, or without the old ones.
 *
 * @throws ProcessError when there is nothing to promote or drop
 */
export async function rotateSecret(
  setting: RotatedSetting,
  value: string,
  step: RotationStep,
): Promise<string> {
  if (setting === 'APP_SECRET') {
    return rotate(setting, splitList(value), step, generateAppSecret()).join(',');
  }
  const [fresh] = keysOf(await generateSigningKeys());
  return JSON.stringify({ keys: rotate(setting, keysOf(value), step, fresh) });
}

/** The first one signs, all are good. */
function rotate<T>(setting: RotatedSetting, all: readonly T[], step: RotationStep, fresh: T): readonly T[] {
  if (step === 'add') return [...all, fresh];
  const last = all.at(-1);
  if (all.length < 2 || last === undefined) {
    throw new ProcessError(`${setting} holds one value, so there is none to ${step}: add one first.`);
  }
  return step === 'promote' ? [last, ...all.slice(0, -1)] : all.slice(0, 1);
}

function keysOf(text: string): unknown[] {
  return (JSON.parse(text) as { keys: unknown[] }).keys;
}
