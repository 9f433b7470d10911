import { type DynamicModule, Module } from '@nestjs/common';
import { LoggerModule, PinoLogger } from 'nestjs-pino';
import { pino } from 'pino';
import { Config } from '../config/index.js';
import { currentContext } from '../context/index.js';
import { errorForLog } from './error-for-log.js';

const FLUSH_INTERVAL_MS = 500;
const BUFFER_BYTES = 4_096;

/**
 * The log: JSON lines, written asynchronously. The line per request comes from platform/http, once, at the boundary;
 * the library's own middleware stays out because its defaults cost as much as the rest of a request.
 */
@Module({})
export class LoggingModule {
  static forRoot(service: string, version: string): DynamicModule {
    return {
      module: LoggingModule,
      imports: [
        LoggerModule.forRootAsync({
          inject: [Config],
          useFactory: (config: Config) => {
            const destination = pino.destination({ dest: 1, sync: false, minLength: BUFFER_BYTES });
            // What is buffered still reaches the terminal soon when little is logged.
            setInterval(() => destination.flush(), FLUSH_INTERVAL_MS).unref();
            config.onChange(({ LOG_LEVEL }) => (PinoLogger.root.level = LOG_LEVEL));
            return {
              forRoutes: [],
              pinoHttp: [
                {
                  level: config.settings.LOG_LEVEL,
                  base: { service, version },
                  timestamp: pino.stdTimeFunctions.isoTime,
                  formatters: { level: (label: string) => ({ level: label }) },
                  messageKey: 'msg',
                  serializers: { err: (error: unknown) => errorForLog(error) },
                  // The library would hand over a copy of the error with all that is in it.
                  wrapSerializers: false,
                  mixin: lineContext,
                },
                destination,
              ],
            };
          },
        }),
      ],
    };
  }
}

/** To which request or job a line belongs, and to which trace, where there is one. */
function lineContext(): { request_id: string; trace_id?: string } {
  const { requestId, traceparent } = currentContext();
  const [, traceId] = traceparent?.split('-') ?? [];
  return { request_id: requestId, ...(traceId ? { trace_id: traceId } : {}) };
}
