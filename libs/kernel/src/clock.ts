/** Where the time comes from. Injected, so that a test can set it; nothing else reads the machine's clock. */
export abstract class Clock {
  abstract now(): Date;
}

export class SystemClock extends Clock {
  override now(): Date {
    return new Date();
  }
}
