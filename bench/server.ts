/** The real server as a child process, and what the operating system says it used. Linux only (/proc). */
import { readFileSync } from 'node:fs';
import type pg from 'pg';
import { TestServer } from '../test/support/server.ts';
import { DATA_DIRECTORY } from './data.ts';

const TICKS_PER_SECOND = 100;

export type Usage = Readonly<{ seconds: number; cpuSeconds: number; peakMb: number }>;

export class BenchServer {
  readonly server: TestServer;
  readonly client: pg.Client;
  #startedAt = 0;
  #cpuBefore = 0;

  private constructor(server: TestServer, client: pg.Client) {
    this.server = server;
    this.client = client;
  }

  static async start(
    flags: readonly string[] = [],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<BenchServer> {
    const server = await TestServer.start({ flags: ['--files', DATA_DIRECTORY, ...flags], environment });
    const client = await server.connect('bench');
    return new BenchServer(server, client);
  }

  begin(): void {
    this.#startedAt = performance.now();
    this.#cpuBefore = this.#cpuSeconds();
  }

  /** Since `begin`: wall, CPU of the whole process with its threads; the peak since its start. */
  usage(): Usage {
    const status = readFileSync(`/proc/${this.server.process.pid}/status`, 'utf8');
    return {
      seconds: (performance.now() - this.#startedAt) / 1000,
      cpuSeconds: this.#cpuSeconds() - this.#cpuBefore,
      peakMb: Number(/VmHWM:\s+(\d+)/.exec(status)![1]) / 1024,
    };
  }

  /** Resident memory now, bytes. */
  residentBytes(): number {
    const status = readFileSync(`/proc/${this.server.process.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) * 1024;
  }

  async metrics(): Promise<ReadonlyMap<string, number>> {
    const text = await (await fetch(`${this.server.url}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => {
        const at = line.lastIndexOf(' ');
        return [line.slice(0, at), Number(line.slice(at + 1))];
      }),
    );
  }

  async stop(): Promise<void> {
    await this.client.end();
    await this.server.stop();
  }

  /** utime + stime of the process. */
  #cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.server.process.pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }
}
