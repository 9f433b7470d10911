import { newId } from '#kernel';
import { toCloudEvent } from '../cloud-event.js';
import type { IntegrationEvent } from '../event.js';
import { fromMessage, toMessage } from './messages.js';

const event: IntegrationEvent = {
  id: newId(),
  type: 'steelyard.order.confirmed.v1',
  aggregate: 'order',
  aggregateId: newId(),
  sequence: 2,
  occurredAt: new Date('2026-11-20T12:00:00.000Z'),
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  data: { totalAmount: 2_500, note: 'naïve \\ "quoted"' },
};

describe('a message', () => {
  it('carries an event as it is', () => {
    expect(fromMessage(toMessage(event).body)).toEqual(event);
    const { traceparent, ...untraced } = event;
    expect(traceparent).toBeDefined();
    expect(fromMessage(toMessage(untraced).body)).toEqual(untraced);
  });

  it('with members that only a newer version knows is an event', () => {
    expect(fromMessage(JSON.stringify({ ...toCloudEvent(event), dataschema: '/schemas/1' }))).toEqual(event);
  });

  it.each([
    ['another version', { specversion: '0.3' }],
    ['an id that is no UUID', { id: 'A234-1234-1234' }],
    ['another subject', { subject: 'customers/1' }],
    ['a type of somebody else', { type: 'com.example.happened' }],
    ['no time', { time: undefined }],
    ['a time that is none', { time: 'yesterday' }],
    ['no sequence', { sequence: undefined }],
    ['a sequence that is no number', { sequence: 'second' }],
    ['a sequence that counts from 0', { sequence: '0' }],
    ['a sequence that no number can hold', { sequence: '9007199254740993' }],
    ['no data', { data: undefined }],
    ['data that are no object', { data: [1] }],
    ['a character that PostgreSQL cannot keep', { data: { name: '\u0000' } }],
  ])('with %s is no event, or it would stop a consumer that cannot put it aside', (_, members) => {
    expect(fromMessage(JSON.stringify({ ...toCloudEvent(event), ...members }))).toBeUndefined();
  });

  it.each(['', 'null', '[]', '{', '"text"'])('that is %j is no event', (body) => {
    expect(fromMessage(body)).toBeUndefined();
  });
});
