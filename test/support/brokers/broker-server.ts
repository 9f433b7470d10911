import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../eventually.js';

const START_TIMEOUT_MS = 60_000;

/** How one program is started. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A message broker of its own on free ports of the loopback address, which a test may kill and start again. */
export abstract class BrokerServer {
  /** Where it keeps its data from start to start. */
  protected directory = '';
  private processes: ChildProcess[] = [];
  private output = '';

  /** What the transport is told: settings by their names. */
  abstract readonly settings: Readonly<Record<string, string>>;
  /** On which clients are answered. */
  protected abstract readonly port: number;

  /** Makes what it needs before its first start; once it has a port, it keeps it. */
  protected abstract prepare(): Promise<void>;
  /** What runs, the server itself as the last one. */
  protected abstract programs(): readonly Program[];
  /** @throws Error while it is not ready for clients */
  protected ready(): Promise<void> {
    return this.answers();
  }

  async open(): Promise<void> {
    this.directory = await mkdtemp(join(tmpdir(), 'steelyard-broker-'));
    await this.prepare();
    await this.start();
  }

  /** Starts it on the ports and the data that it had. */
  async start(): Promise<void> {
    this.output = '';
    this.processes = this.programs().map((program) => this.run(program));
    try {
      await eventually(() => this.ready(), START_TIMEOUT_MS);
    } catch (error) {
      throw new Error(`The broker does not start:\n${this.output}`, { cause: error });
    }
  }

  /** Resolves when what clients have had it make is there after a kill. */
  settle(): Promise<void> {
    return Promise.resolve();
  }

  /** As if its machine lost power. */
  async kill(): Promise<void> {
    const ending = this.processes.map((child) => once(child, 'exit'));
    this.killGroups();
    this.processes = [];
    await Promise.all(ending);
  }

  /** As if its machine burned down: it is there again, where it was, and knows nothing any more. */
  async lose(): Promise<void> {
    await this.close();
    await this.open();
  }

  /** Ends it, and nothing is left. */
  async close(): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }

  protected async answers(port = this.port): Promise<void> {
    const socket = connect(port, '127.0.0.1');
    try {
      await once(socket, 'connect');
    } finally {
      socket.destroy();
    }
  }

  /** Whatever a program starts is of its process group, and ends with it. */
  protected run({ command, args, env }: Program): ChildProcess {
    const child = spawn(command, args, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], HOME: this.directory, ...env },
    });
    const note = (chunk: Buffer) => (this.output = (this.output + chunk.toString()).slice(-10_000));
    child.stdout.on('data', note);
    child.stderr.on('data', note);
    const onExit = () => this.killGroups();
    process.once('exit', onExit);
    child.once('exit', () => process.off('exit', onExit));
    return child;
  }

  private killGroups(): void {
    for (const { pid, exitCode, signalCode } of this.processes) {
      if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGKILL');
    }
  }
}
