import { isIP } from 'node:net';
import { type BaseOptions, ProduceAcks, type ProducerOptions, stringSerializers } from '@platformatic/kafka';
import type { Settings } from '../../config/index.js';
import { CONNECT_TIMEOUT_MS } from './bounds.js';

const RETRIES = 3;
const RETRY_DELAY_MS = 200;

/** How Kafka is reached, in the words of its client. */
export function kafkaOptions(settings: Settings): BaseOptions {
  const { KAFKA_BROKERS: brokers = [], KAFKA_SASL_MECHANISM: mechanism } = settings;
  return {
    clientId: 'steelyard',
    bootstrapBrokers: brokers,
    connectTimeout: CONNECT_TIMEOUT_MS,
    // Whoever asked asks again, with longer and longer pauses.
    retries: RETRIES,
    retryDelay: RETRY_DELAY_MS,
    ...(settings.KAFKA_TLS ? tlsTo(brokers) : {}),
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

/** How events are written: kept by all replicas in sync before they count as kept, and once though they are sent again. */
export function producerOptions(settings: Settings): ProducerOptions<string, string, string, string> {
  return {
    ...kafkaOptions(settings),
    acks: ProduceAcks.ALL,
    idempotent: true,
    serializers: stringSerializers,
  };
}

/**
 * Whoever stands before several brokers goes by the name that a client says it wants (SNI). TLS allows no IP addresses
 * there, and Node.js refuses them.
 */
function tlsTo(brokers: readonly string[]): Pick<BaseOptions, 'tls' | 'tlsServerName'> {
  const areNamed = brokers.every((broker) => isIP(hostOf(broker)) === 0);
  return areNamed ? { tls: {}, tlsServerName: true } : { tls: {} };
}

function hostOf(broker: string): string {
  return new URL(`tcp://${broker}`).hostname.replace(/^\[|\]$/g, '');
}
