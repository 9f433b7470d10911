import type { LoggerService } from '@nestjs/common';
import type { Logger } from 'nestjs-pino';

/** What the framework itself has to say, without its line for every module and route at start. */
export class FrameworkLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(): void {
    // Which modules and routes there are is known from the code.
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.logger.warn(message, ...rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.logger.error(message, ...rest);
  }
}
