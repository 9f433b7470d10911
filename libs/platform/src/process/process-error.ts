/** Why a process cannot start, or cannot go on, in one sentence for whoever sits at the terminal. */
export class ProcessError extends Error {
  override readonly name = 'ProcessError';
}
