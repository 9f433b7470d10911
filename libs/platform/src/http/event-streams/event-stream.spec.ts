import { EventStream } from './event-stream.js';

const read = async (stream: EventStream) => {
  let text = '';
  for await (const chunk of stream.readable) text += String(chunk);
  return text;
};

describe('a stream of server-sent events', () => {
  it('says when to come back, then writes messages and heartbeats as the standard says', async () => {
    const stream = new EventStream(1_500);
    expect(stream.send({ id: '7', data: { note: 'two\nlines' } })).toBe(true);
    stream.beat();
    stream.end();
    expect(stream.send({ id: '8', data: {} })).toBe(false);
    stream.end();
    expect(await read(stream)).toBe('retry: 1500\n\nid: 7\ndata: {"note":"two\\nlines"}\n\n:\n\n');
  });

  it('ends before what does not fit, and what fits arrives', async () => {
    const stream = new EventStream(1_500);
    const data = { text: 'x'.repeat(1_000) };
    let sent = 0;
    while (sent < 1_000 && stream.send({ id: String(sent + 1), data })) sent += 1;
    expect(sent).toBeGreaterThan(50);
    expect(sent).toBeLessThan(70);
    expect(stream.send({ id: 'late', data: {} })).toBe(false);
    const ids = [...(await read(stream)).matchAll(/^id: (.*)$/gm)].map(([, id]) => id);
    expect(ids).toEqual(Array.from({ length: sent }, (_, index) => String(index + 1)));
  });

  it('is cut when its reader does not take even that', () => {
    jest.useFakeTimers();
    try {
      const stream = new EventStream(1_500);
      stream.end();
      jest.advanceTimersByTime(4_999);
      expect(stream.readable.destroyed).toBe(false);
      jest.advanceTimersByTime(1);
      expect(stream.readable.destroyed).toBe(true);
    } finally {
      jest.useRealTimers();
    }
  });
});
