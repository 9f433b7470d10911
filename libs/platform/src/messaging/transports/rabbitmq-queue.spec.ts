import { queueArguments } from './rabbitmq-queue.js';

describe('a queue', () => {
  const always = { 'x-queue-type': 'quorum', 'x-single-active-consumer': true };

  it.each([
    ['3.10.8', always],
    ['3.13.7', always],
    ['4.0.0', { ...always, 'x-delivery-limit': -1 }],
    ['4.1.0-rc.1', { ...always, 'x-delivery-limit': -1 }],
    ['10.0.0', { ...always, 'x-delivery-limit': -1 }],
  ])('of RabbitMQ %s is replicated, read by one process, and gives up no message', (version, expected) => {
    expect(queueArguments(version)).toEqual(expected);
  });
});
