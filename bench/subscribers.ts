/** One view, a thousand WebSocket subscribers: what a tick's changes cost when many look on. */
import WebSocket from 'ws';
import type { Result } from './report.ts';
import { BenchServer } from './server.ts';

const GROUPS = 200;
const TICKS = 100;

export async function* runSubscribers(): AsyncIterable<Result> {
  yield await subscribers(1);
  yield await subscribers(1_000);
}

async function subscribers(count: number): Promise<Result> {
  const bench = await BenchServer.start();
  const sockets: WebSocket[] = [];
  try {
    const { client, server } = bench;
    await client.query("CREATE STREAM readings (k text, v float8) WITH (retention = 'none')");
    await client.query(
      'CREATE MATERIALIZED VIEW totals AS SELECT k, count(*) AS n, sum(v) AS s, avg(v) AS a FROM readings GROUP BY k',
    );
    let bytes = 0;
    let rounds = 0;
    let roundEnd: () => void = () => {};
    /** Of each subscriber the last count it was shown. */
    const shown = new Map<WebSocket, number>();
    const see = (socket: WebSocket, text: string): void => {
      if (!text.includes(`["k0","${rounds}",`)) return;
      shown.set(socket, rounds);
      if (shown.size === count) {
        shown.clear();
        roundEnd();
      }
    };
    for (let i = 0; i < count; i++) {
      const socket = new WebSocket(`ws://127.0.0.1:${server.httpPort}/ws`, 'millrace.v1');
      sockets.push(socket);
      await new Promise((resolve, reject) => {
        socket.once('open', resolve);
        socket.once('error', reject);
      });
      const schema = new Promise<Buffer>((resolve) => socket.once('message', resolve));
      socket.on('message', (data: Buffer) => {
        bytes += data.length;
        see(socket, data.toString('latin1'));
      });
      socket.send(JSON.stringify({ op: 'subscribe', id: `s${i}`, sql: 'SUBSCRIBE totals' }));
      const answer = JSON.parse((await schema).toString()) as { op: string };
      if (answer.op !== 'schema') throw new Error(JSON.stringify(answer));
    }
    const body = Array.from({ length: GROUPS }, (_, i) => `{"k":"k${i}","v":${i}.25}\n`).join('');
    bench.begin();
    for (rounds = 1; rounds <= TICKS; rounds++) {
      const seen = new Promise<void>((resolve) => {
        roundEnd = resolve;
      });
      const response = await fetch(`${server.url}/streams/readings`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/x-ndjson' },
        body,
      });
      if (!response.ok) throw new Error(await response.text());
      await seen;
    }
    const { seconds, cpuSeconds, peakMb } = bench.usage();
    return {
      workload: `subscribers-${count}`,
      rows: GROUPS * TICKS,
      seconds,
      cpu_seconds: cpuSeconds,
      rows_per_second: (GROUPS * TICKS) / seconds,
      peak_mb: peakMb,
      result_rows: TICKS * GROUPS * 2 * count,
      count_sum: null,
      value_sum: null,
      sent_mb: Math.round(bytes / 1e6),
      cpu_microseconds_a_message: Number(((cpuSeconds / (TICKS * count)) * 1e6).toFixed(1)),
    };
  } finally {
    for (const socket of sockets) socket.terminate();
    await bench.stop();
  }
}
