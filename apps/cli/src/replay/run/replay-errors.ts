/** The replay cannot go on, and the message says why to whoever started it. */
export class ReplayError extends Error {
  override readonly name = 'ReplayError';
}

/** Nothing answers, or not any more, whatever was tried. */
export class ApiUnreachable extends ReplayError {}

/** Whoever started the replay has asked it to stop. */
export class ReplayInterrupted extends Error {
  override readonly name = 'ReplayInterrupted';

  constructor() {
    super('The replay was interrupted.');
  }
}
