import { type Answer, judge, partnerPauseMs } from './retry-schedule.js';

const NOW = new Date('2026-11-20T12:00:00.000Z');
const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;

const failed = (tries: number, random = 0, answer: Answer = { statusCode: 500 }) =>
  judge(answer, tries, NOW, random);

describe('the schedule', () => {
  it('pauses longer and longer, then gives up', () => {
    const pauses = Array.from({ length: 9 }, (_, index) => failed(index + 1));
    const seconds = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
    expect(pauses).toEqual(seconds.map((pause) => ({ status: 'retrying', pauseMs: pause * SECOND_MS })));
    expect(failed(10)).toEqual({ status: 'failed', isGone: false });
  });

  it('differs by up to a tenth', () => {
    expect([failed(2, 0.5), failed(2, 1)]).toMatchObject([{ pauseMs: 315_000 }, { pauseMs: 330_000 }]);
  });

  it.each([
    [200, 'succeeded'],
    [204, 'succeeded'],
    [299, 'succeeded'],
    [199, 'retrying'],
    [301, 'retrying'],
    [400, 'retrying'],
    [410, 'failed'],
    [503, 'retrying'],
    [null, 'retrying'],
  ])('takes %s for %s', (statusCode, status) => {
    expect(judge({ statusCode }, 1, NOW, 0)).toMatchObject({ status });
  });
});

describe('a pause that the partner asks for', () => {
  it.each<[number, string | undefined, number]>([
    [429, '120', 120 * SECOND_MS],
    [503, ' 120 ', 120 * SECOND_MS],
    [503, 'Fri, 20 Nov 2026 12:10:00 GMT', 600 * SECOND_MS],
    [503, 'Fri, 20 Nov 2026 11:00:00 GMT', 0],
    [503, '999999999', HOUR_MS],
    [503, '-5', 0],
    [503, 'soon', 0],
    [503, undefined, 0],
    [500, '120', 0],
  ])('%s with %s is %s ms', (statusCode, retryAfter, pauseMs) => {
    expect(partnerPauseMs({ statusCode, retryAfter }, NOW)).toBe(pauseMs);
  });

  it('holds where it is longer than the schedule, and shortens nothing', () => {
    expect(failed(1, 0, { statusCode: 429, retryAfter: '60' })).toMatchObject({ pauseMs: 60 * SECOND_MS });
    expect(failed(2, 0, { statusCode: 429, retryAfter: '60' })).toMatchObject({ pauseMs: 300 * SECOND_MS });
  });
});
