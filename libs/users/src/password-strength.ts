import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common';

/**
 * What somebody guesses who tries the most common passwords and patterns first. More is beyond the log-in, which is
 * slowed down after a few failures, even over years.
 */
const MIN_GUESSES_LOG10 = 6;

/** Each character more is work for the one thread that answers everybody; what begins as badly is no good secret. */
const JUDGED_CHARACTERS = 20;

/** The password of the demo accounts: everybody can read it here. */
export const DEMO_PASSWORD = 'steelyard-demo';

let estimator: ZxcvbnFactory | undefined;

/**
 * Whether a password is among the first that anybody would guess: a common one, a row of keys, a repetition, what is
 * known of its owner, or the one of the demo accounts (NIST SP 800-63B, 3.1.1.2). It takes some milliseconds.
 *
 * @param known what is known of its owner, such as their address
 */
export function isGuessable(password: string, known: readonly string[] = []): boolean {
  if (password === DEMO_PASSWORD) return true;
  // Its dictionaries take a while to unpack: not in a process that registers nobody.
  estimator ??= new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs, maxLength: JUDGED_CHARACTERS });
  const words = known.flatMap((text) => [text.slice(0, JUDGED_CHARACTERS), ...text.split(/[@.\s]+/)]);
  return estimator.check(password, words).guessesLog10 < MIN_GUESSES_LOG10;
}
