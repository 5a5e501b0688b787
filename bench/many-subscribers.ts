/** 10,000 WebSocket subscribers of one view, one change set a second: how long until the last of them has it. */
import { percentile, type Result } from './report.ts';
import { BenchServer } from './server.ts';
import { WebSocketClient } from './web-socket-client.ts';

const SUBSCRIBERS = 10_000;
const GROUPS = 10;
const ROUNDS = 10;
const OPENED_AT_ONCE = 100;

export async function* runManySubscribers(): AsyncIterable<Result> {
  const bench = await BenchServer.start(['--max-connections', `${2 * SUBSCRIBERS}`]);
  const sockets: WebSocketClient[] = [];
  try {
    const { client, server } = bench;
    await client.query("CREATE STREAM readings (k text, v float8) WITH (retention = 'none')");
    await client.query(
      'CREATE MATERIALIZED VIEW totals AS SELECT k, count(*) AS n, sum(v) AS s FROM readings GROUP BY k',
    );
    const values = Array.from({ length: GROUPS }, (_, i) => `('k${i}', ${i}.25)`).join(', ');
    let round = 0;
    let waiting = 0;
    let served: (at: number) => void = () => {};
    const see = (data: Buffer): void => {
      // the last group's new count is in the message: that round's changes have arrived
      if (!data.includes(`["k${GROUPS - 1}","${round}",`) || --waiting > 0) return;
      served(performance.now());
    };
    const open = async (i: number): Promise<void> => {
      const socket = await WebSocketClient.open(server.httpPort, '/ws', 'millrace.v1');
      sockets.push(socket);
      socket.send({ op: 'subscribe', id: `s${i}`, sql: 'SUBSCRIBE totals', snapshot: false });
      const schema = await socket.received();
      if (!schema.includes('"op":"schema"')) throw new Error(`not subscribed: ${schema.toString()}`);
      socket.onBytes(see);
    };
    bench.begin();
    for (let i = 0; i < SUBSCRIBERS; i += OPENED_AT_ONCE)
      await Promise.all(Array.from({ length: OPENED_AT_ONCE }, (_, k) => open(i + k)));
    const opened = bench.usage();
    bench.begin();
    const latencies: number[] = [];
    for (round = 1; round <= ROUNDS; round++) {
      waiting = SUBSCRIBERS;
      const all = new Promise<number>((resolve) => {
        served = resolve;
      });
      const started = performance.now();
      await client.query(`INSERT INTO readings VALUES ${values}`);
      latencies.push((await all) - started);
      await new Promise((resolve) => setTimeout(resolve, 1_000 - (performance.now() - started)));
    }
    const { seconds, cpuSeconds, peakMb } = bench.usage();
    yield {
      workload: 'subscribers-10000',
      rows: GROUPS * ROUNDS,
      seconds,
      cpu_seconds: cpuSeconds,
      rows_per_second: (GROUPS * ROUNDS) / seconds,
      peak_mb: peakMb,
      result_rows: GROUPS * ROUNDS * 2 * SUBSCRIBERS,
      count_sum: null,
      value_sum: null,
      opened_a_second: Math.round(SUBSCRIBERS / opened.seconds),
      all_served_p50_ms: Math.round(percentile(latencies, 0.5)),
      all_served_max_ms: Math.round(Math.max(...latencies)),
      cpu_microseconds_a_message: Number(((cpuSeconds / (ROUNDS * SUBSCRIBERS)) * 1e6).toFixed(1)),
    };
  } finally {
    for (const socket of sockets) socket.close();
    await bench.stop();
  }
}
