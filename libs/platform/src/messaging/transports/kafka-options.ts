import type { BaseOptions } from '@platformatic/kafka';
import type { Settings } from '../../config/index.js';
import { CONNECT_TIMEOUT_MS } from './bounds.js';

const RETRIES = 3;
const RETRY_DELAY_MS = 200;

/** How Kafka is reached, in the words of its client. */
export function kafkaOptions(settings: Settings): BaseOptions {
  const { KAFKA_SASL_MECHANISM: mechanism } = settings;
  return {
    clientId: 'steelyard',
    bootstrapBrokers: settings.KAFKA_BROKERS ?? [],
    connectTimeout: CONNECT_TIMEOUT_MS,
    // Whoever asked asks again, with longer and longer pauses.
    retries: RETRIES,
    retryDelay: RETRY_DELAY_MS,
    ...(settings.KAFKA_TLS ? { tls: {} } : {}),
    ...(mechanism === 'none'
      ? {}
      : {
          sasl: {
            mechanism,
            username: settings.KAFKA_SASL_USERNAME ?? '',
            password: settings.KAFKA_SASL_PASSWORD ?? '',
          },
        }),
  };
}
