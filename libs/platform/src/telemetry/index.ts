export { FrameworkLogger } from './framework-logger.js';
export { LoggingModule } from './logging.module.js';
export { Metrics, MetricsModule } from './metrics.module.js';
