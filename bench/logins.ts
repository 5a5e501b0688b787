/** Connections set up with TLS and SCRAM (channel binding), a few at a time for a few seconds, by clients on the same cores. */
import { readFile } from 'node:fs/promises';
import { WireClient } from '../server/shell/wire-client.ts';
import { CertificateDirectory, tlsFlags } from '../test/support/certificate.ts';
import { percentile, type Result } from './report.ts';
import { BenchServer } from './server.ts';

const SECONDS = 5;
const CLIENTS = 4;
const PASSWORD = 'bench secret';

export async function* runLogins(): AsyncIterable<Result> {
  const directory = await CertificateDirectory.make();
  for (const algorithm of ['ec', 'rsa'] as const) {
    const files = await directory.issue('localhost', algorithm);
    const bench = await BenchServer.start(tlsFlags(files));
    await bench.client.query(`CREATE ROLE anna LOGIN PASSWORD '${PASSWORD}'`);
    const rootCertificates = await readFile(files.certificate, 'utf8');
    const port = bench.server.pgPort;
    const address = { host: '127.0.0.1', port, sslMode: 'verify-full', rootCertificates } as const;
    const latencies: number[] = [];
    const logInForAWhile = async (): Promise<void> => {
      const end = performance.now() + SECONDS * 1000;
      for (let began = performance.now(); began < end; began = performance.now()) {
        const client = await WireClient.open(
          address,
          { user: 'anna', database: 'millrace' },
          async () => PASSWORD,
        );
        latencies.push(performance.now() - began);
        client.end();
      }
    };
    bench.begin();
    await Promise.all(Array.from({ length: CLIENTS }, logInForAWhile));
    const { seconds, cpuSeconds, peakMb } = bench.usage();
    await bench.stop();
    const logins = latencies.length;
    yield {
      workload: `logins-${algorithm}`,
      rows: logins,
      seconds,
      cpu_seconds: cpuSeconds,
      rows_per_second: logins / seconds,
      peak_mb: peakMb,
      result_rows: 0,
      count_sum: null,
      value_sum: null,
      logins_per_second: Math.round(logins / seconds),
      server_cpu_ms: Number(((cpuSeconds * 1000) / logins).toFixed(2)),
      p50_ms: Number(percentile(latencies, 0.5).toFixed(1)),
      p99_ms: Number(percentile(latencies, 0.99).toFixed(1)),
    };
  }
  await directory.remove();
}
