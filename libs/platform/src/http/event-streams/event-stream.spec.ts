import { once } from 'node:events';
import { EventStream } from './event-stream.js';

const read = async (stream: EventStream) => {
  let text = '';
  for await (const chunk of stream.readable) text += String(chunk);
  return text;
};

describe('a stream of server-sent events', () => {
  it('writes messages, heartbeats and when to come back as the standard says', async () => {
    const stream = new EventStream();
    stream.send({ id: '7', data: { note: 'two\nlines' } });
    stream.beat();
    stream.end(1_500);
    stream.send({ id: '8', data: {} });
    stream.end(2_000);
    expect(await read(stream)).toBe('id: 7\ndata: {"note":"two\\nlines"}\n\n:\n\nretry: 1500\n\n');
  });

  it('is cut when its reader is too slow, and holds nothing more', async () => {
    const stream = new EventStream();
    const closed = once(stream.readable, 'close');
    const data = { text: 'x'.repeat(1_000) };
    let sent = 0;
    for (; !stream.readable.destroyed && sent < 1_000; sent += 1) stream.send({ id: String(sent), data });
    await closed;
    expect(sent).toBeGreaterThan(50);
    expect(sent).toBeLessThan(70);
    stream.send({ id: 'late', data });
    stream.end(1_000);
  });
});
