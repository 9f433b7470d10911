import { QueryFailedError } from 'typeorm';
import { isUnavailable, isUnreachable } from './unavailable.js';

const coded = (code: string) => Object.assign(new Error('x'), { code });
const wrapped = (code: string) => new QueryFailedError('SELECT 1', [], coded(code));

describe('PostgreSQL', () => {
  it.each([
    ...['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT'],
    ...['EPIPE', '08000', '08001', '08003', '08006'],
  ])('cannot be reached, by the code %s', (code) => {
    for (const error of [coded(code), wrapped(code)]) {
      expect(isUnreachable(error)).toBe(true);
      expect(isUnavailable(error)).toBe(true);
    }
  });

  it.each([
    'timeout exceeded when trying to connect',
    'timeout expired',
    'Connection terminated',
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'The server does not support SSL connections',
  ])('cannot be reached, by the words %s', (words) => {
    expect(isUnreachable(new Error(words))).toBe(true);
    expect(isUnavailable(new Error(words))).toBe(true);
  });

  it.each(['57014', '57P01', '57P02', '57P03', '25P03', '40001', '40P01', '53300'])(
    'is there and cannot answer now, by the code %s',
    (code) => {
      for (const error of [coded(code), wrapped(code)]) {
        expect(isUnreachable(error)).toBe(false);
        expect(isUnavailable(error)).toBe(true);
      }
    },
  );

  it.each([
    ['a duplicate', coded('23505')],
    ['a wrong password', coded('28P01')],
    ['a defect that quotes the words', new TypeError('no timeout expired here')],
    ['a coded error with the words', Object.assign(new Error('timeout expired'), { code: '22P02' })],
    ['text', 'Connection terminated'],
    ['nothing', undefined],
    ['null', null],
  ])('is not away for %s', (_, thrown) => {
    expect(isUnavailable(thrown)).toBe(false);
  });
});
