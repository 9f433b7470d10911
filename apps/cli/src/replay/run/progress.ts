import cliProgress from 'cli-progress';

/** Shows how far a phase has come. */
export interface Progress {
  /** @param total how many things the phase works through */
  start(phase: string, total: number): void;
  advance(count?: number): void;
  /** Says something beside the figures until the phase ends. */
  remark(text: string): void;
  stop(): void;
}

const NAME_WIDTH = 14;
/** Samples of the moving average behind the time left: a few seconds of a fast phase. */
const ETA_SAMPLES = 500;
const PLAIN_LINE_INTERVAL_MS = 5_000;

type Formatter = (options: cliProgress.Options, params: cliProgress.Params) => string;

/** A bar that moves on a terminal; elsewhere (a file, a CI log) a plain line every few seconds. */
export class TerminalProgress implements Progress {
  private bar: cliProgress.SingleBar | undefined;
  private reached = 0;
  private remarks = '';

  constructor(private readonly stream: NodeJS.WritableStream & { readonly isTTY?: boolean }) {}

  start(phase: string, total: number): void {
    this.reached = 0;
    this.remarks = '';
    this.bar = new cliProgress.SingleBar({
      stream: this.stream,
      format: this.formatter(phase),
      barsize: 30,
      etaBuffer: ETA_SAMPLES,
      noTTYOutput: true,
      notTTYSchedule: PLAIN_LINE_INTERVAL_MS,
    });
    this.bar.start(total, 0);
  }

  advance(count = 1): void {
    if (this.bar === undefined) return;
    // A phase can find more than it expected, such as the ledger's entries of other trade.
    this.reached += count;
    if (this.reached > this.bar.getTotal()) this.bar.setTotal(this.reached);
    this.bar.update(this.reached);
  }

  remark(text: string): void {
    this.remarks = ` (${text})`;
  }

  stop(): void {
    this.bar?.stop();
    this.bar = undefined;
  }

  private formatter(phase: string): Formatter {
    return (options, { progress, value, total, eta, startTime }) => {
      const elapsedSeconds = (Date.now() - startTime) / 1000;
      const rate = elapsedSeconds > 0 ? value / elapsedSeconds : 0;
      const bar = this.stream.isTTY === true ? cliProgress.Format.BarFormat(progress, options) : '';
      const figures = [
        `${count(value)} of ${count(total)}`,
        `${rate.toFixed(1)}/s`,
        value < total ? `${timeLeft(eta)} left` : `done in ${duration(elapsedSeconds)}`,
      ];
      return `${phase.padEnd(NAME_WIDTH)} ${bar} ${figures.join(', ')}${this.remarks}`;
    };
  }
}

/** Before there is anything to reckon with, the bar says NULL or INF instead of a number. */
function timeLeft(eta: number | string): string {
  return typeof eta === 'number' ? duration(eta) : '?';
}

/** 97 → "1 min 37 s" */
function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes} min ${whole % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function count(value: number): string {
  return value.toLocaleString('en-GB');
}
