import { ProduceAcks } from '@platformatic/kafka';
import { loadSettings } from '../../config/index.js';
import { kafkaOptions, producerOptions } from './kafka-options.js';

const NAMES = 'kafka-0.example.com:9093,kafka-1.example.com:9093';

const settingsOf = (settings: Record<string, string>) =>
  loadSettings({ EVENTS_TRANSPORT: 'kafka', KAFKA_BROKERS: NAMES, ...settings });

const SCRAM = {
  KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
  KAFKA_SASL_USERNAME: 'shop',
  KAFKA_SASL_PASSWORD: 'pa:ss,word',
};
const overTls = { tls: {}, tlsServerName: true };
const sasl = { mechanism: 'SCRAM-SHA-512', username: 'shop', password: 'pa:ss,word' };

describe('how Kafka is reached', () => {
  it.each<[string, Record<string, string>, object]>([
    ['openly', {}, {}],
    ['by TLS, naming the broker, so that one address can be that of many', { KAFKA_TLS: 'true' }, overTls],
    [
      'by TLS at IP addresses, of which TLS allows no mention',
      { KAFKA_TLS: 'true', KAFKA_BROKERS: '10.0.0.1:9093,10.0.0.2:9093' },
      { tls: {} },
    ],
    ['by TLS at an IPv6 address', { KAFKA_TLS: 'true', KAFKA_BROKERS: '[::1]:9093' }, { tls: {} }],
    ['with a password', SCRAM, { sasl }],
    ['with a password and by TLS', { ...SCRAM, KAFKA_TLS: 'true' }, { ...overTls, sasl }],
  ])('%s', (_, settings, expected) => {
    const { tls, tlsServerName, sasl: login } = kafkaOptions(settingsOf(settings));
    expect({ tls, tlsServerName, sasl: login }).toEqual({
      tls: undefined,
      tlsServerName: undefined,
      sasl: undefined,
      ...expected,
    });
  });

  it('is any of the brokers that are named', () => {
    expect(kafkaOptions(settingsOf({})).bootstrapBrokers).toEqual(NAMES.split(','));
  });
});

it('events are kept when all replicas in sync have them, and once though they are sent again', () => {
  expect(producerOptions(settingsOf({ KAFKA_TLS: 'true' }))).toMatchObject({
    ...overTls,
    acks: ProduceAcks.ALL,
    idempotent: true,
  });
});
