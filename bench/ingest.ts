/** Rows in by COPY and HTTP, rows out as text over the Postgres wire, single-row INSERTs. */
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { once } from 'node:events';
import { connect } from 'node:net';
import { serialize } from 'pg-protocol';
import { eventsFile } from './data.ts';
import { percentile, type Result } from './report.ts';
import { BenchServer, type Usage } from './server.ts';

const STREAM = `CREATE STREAM events (ts timestamptz NOT NULL, tag text, "user" bigint, value float8, WATERMARK FOR ts AS ts)
  WITH (retention = 'none', timestamp_unit = 'ms')`;

export async function* runIngest(rows: number): AsyncIterable<Result> {
  yield await copyIn(rows);
  yield await httpPost(rows);
  yield await resultsOut(rows);
  yield await singleInserts(2000);
}

function result(workload: string, rows: number, usage: Usage, extra: Record<string, number> = {}): Result {
  return {
    workload,
    rows,
    seconds: usage.seconds,
    cpu_seconds: usage.cpuSeconds,
    rows_per_second: rows / usage.seconds,
    peak_mb: usage.peakMb,
    result_rows: 0,
    count_sum: null,
    value_sum: null,
    ...extra,
  };
}

async function copyIn(rows: number): Promise<Result> {
  const bench = await BenchServer.start();
  try {
    await bench.client.query(
      'CREATE STREAM events (ts bigint, tag text, "user" bigint, value float8) WITH (retention = \'none\')',
    );
    const data = readFileSync(eventsFile(rows, 'csv'));
    const wire = await RawWire.connect(bench.server.pgPort);
    bench.begin();
    await wire.query('COPY events FROM STDIN WITH (FORMAT csv)', 'G');
    for (let at = 0; at < data.length; at += 65536)
      await wire.send(serialize.copyData(data.subarray(at, at + 65536)));
    await wire.send(serialize.copyDone());
    await wire.until('Z');
    const usage = bench.usage();
    wire.end();
    return result('copy-from-stdin-csv', rows, usage);
  } finally {
    await bench.stop();
  }
}

async function httpPost(rows: number): Promise<Result> {
  const bench = await BenchServer.start();
  try {
    await bench.client.query(STREAM);
    const data = readFileSync(eventsFile(rows, 'json'));
    bench.begin();
    let at = 0;
    while (at < data.length) {
      const end = data.lastIndexOf(10, Math.min(data.length, at + (8 << 20)) - 1) + 1;
      await post(bench.server.httpPort, '/streams/events', data.subarray(at, end));
      at = end;
    }
    return result('http-post-ndjson', rows, bench.usage());
  } finally {
    await bench.stop();
  }
}

function post(port: number, path: string, body: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/x-ndjson', 'Content-Length': body.length };
    const call = request({ host: '127.0.0.1', port, path, method: 'POST', headers }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`${response.statusCode}: ${text}`)),
      );
    });
    call.on('error', reject);
    call.end(body);
  });
}

async function resultsOut(rows: number): Promise<Result> {
  const bench = await BenchServer.start();
  try {
    await bench.client.query('CREATE STREAM events (ts bigint, tag text, "user" bigint, value float8)');
    const wire = await RawWire.connect(bench.server.pgPort);
    await wire.query('COPY events FROM STDIN WITH (FORMAT csv)', 'G');
    const data = readFileSync(eventsFile(rows, 'csv'));
    for (let at = 0; at < data.length; at += 65536)
      await wire.send(serialize.copyData(data.subarray(at, at + 65536)));
    await wire.send(serialize.copyDone());
    await wire.until('Z');
    bench.begin();
    await wire.query('SELECT tag, "user", value, arrived_at FROM events', 'Z');
    const usage = bench.usage();
    if (wire.dataRows !== rows) throw new Error(`${wire.dataRows} rows came instead of ${rows}`);
    wire.end();
    return result('results-as-text', rows, usage, { bytes: wire.received });
  } finally {
    await bench.stop();
  }
}

async function singleInserts(count: number): Promise<Result> {
  const bench = await BenchServer.start();
  try {
    await bench.client.query(
      'CREATE STREAM events (at timestamptz NOT NULL, tag text, WATERMARK FOR at AS at)',
    );
    const times: number[] = [];
    bench.begin();
    for (let i = 0; i < count; i++) {
      const started = performance.now();
      await bench.client.query('INSERT INTO events VALUES (now(), $1)', [`tag${i % 100}`]);
      if (i >= 200) times.push(performance.now() - started);
    }
    const figures = { p50_ms: percentile(times, 0.5), p99_ms: percentile(times, 0.99) };
    return result('single-row-insert', count, bench.usage(), figures);
  } finally {
    await bench.stop();
  }
}

/** The wire without a driver: what is measured is the server, not a client's parsing. */
class RawWire {
  readonly #socket: ReturnType<typeof connect>;
  #waiting: { type: number; resolve: () => void; reject: (error: Error) => void } | null = null;
  #head: Buffer = Buffer.alloc(0);
  #skip = 0;
  received = 0;
  dataRows = 0;

  private constructor(socket: ReturnType<typeof connect>) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#read(chunk));
  }

  static async connect(port: number): Promise<RawWire> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const wire = new RawWire(socket);
    socket.write(serialize.startup({ user: 'bench', database: 'millrace' }));
    await wire.until('Z');
    return wire;
  }

  async query(sql: string, until: string): Promise<void> {
    this.#socket.write(serialize.query(sql));
    await this.until(until);
  }

  async send(bytes: Uint8Array): Promise<void> {
    if (!this.#socket.write(bytes)) await once(this.#socket, 'drain');
  }

  /** Resolves when a message of this type has come. */
  until(type: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting = { type: type.charCodeAt(0), resolve, reject };
    });
  }

  end(): void {
    this.#socket.end(serialize.end());
  }

  #read(chunk: Buffer): void {
    this.received += chunk.length;
    let at = Math.min(this.#skip, chunk.length);
    this.#skip -= at;
    let data = chunk;
    if (this.#head.length > 0 && this.#skip === 0) {
      data = Buffer.concat([this.#head, chunk.subarray(at)]);
      this.#head = Buffer.alloc(0);
      at = 0;
    }
    while (at < data.length) {
      if (data.length - at < 5) {
        this.#head = data.subarray(at);
        return;
      }
      const type = data[at]!;
      const end = at + 1 + data.readUInt32BE(at + 1);
      if (type === 68) this.dataRows++;
      if (type === 69)
        this.#waiting?.reject(new Error(data.toString('utf8', at + 5, Math.min(end, data.length))));
      if (type === this.#waiting?.type) {
        const { resolve } = this.#waiting;
        this.#waiting = null;
        resolve();
      }
      if (end > data.length) {
        this.#skip = end - data.length;
        return;
      }
      at = end;
    }
  }
}
