import { Writable } from 'node:stream';
import { TerminalProgress } from './progress.js';

function shown(isTTY: boolean, use: (progress: TerminalProgress) => void): string {
  const chunks: string[] = [];
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string, _, done) {
      chunks.push(chunk);
      done();
    },
  });
  use(new TerminalProgress(Object.assign(stream, { isTTY, columns: 120 })));
  return chunks.join('');
}

describe('TerminalProgress', () => {
  it('writes plain lines where there is no terminal', () => {
    const text = shown(false, (progress) => {
      progress.start('orders', 2000);
      progress.advance(1500);
      progress.advance();
      progress.stop();
    });
    expect(text).toMatch(/^orders +0 of 2,000, 0\.0\/s, \? left\n/);
    expect(text).toMatch(/\norders +1,501 of 2,000, [\d.]+\/s, .+ left\n/);
    expect(text).not.toContain('\u001b');
  });

  it('draws a bar on a terminal', () => {
    const text = shown(true, (progress) => {
      progress.start('orders', 4);
      progress.advance(4);
      progress.stop();
    });
    expect(text).toContain('\u001b');
    expect(text).toMatch(/orders +={30} 4 of 4, [\d.]+\/s, done in 0 s/);
  });

  it('goes on where there is more than expected', () => {
    const text = shown(false, (progress) => {
      progress.start('ledger', 1);
      progress.advance(3);
      progress.stop();
    });
    expect(text).toMatch(/ledger +3 of 3, /);
  });

  it('shows a remark until the phase ends', () => {
    const text = shown(false, (progress) => {
      progress.start('customers', 1);
      progress.remark('waiting');
      progress.stop();
      progress.start('orders', 1);
      progress.stop();
    });
    expect(text).toMatch(/customers .* \(waiting\)\n/);
    expect(text).not.toMatch(/orders .* \(waiting\)/);
  });
});
