/**
 * npm run bench -- [--workload W0..W4|ingest|latency|dashboard|fanout|subscribers|many-subscribers|logins|limit|all]
 *   [--rows N] [--json]
 *
 * Starts the real server, feeds it through SQL, prints rows/s, CPU seconds of the whole server process and its peak
 * memory. Figures are kept in bench/results.md.
 */
import { parseArgs } from 'node:util';
import { runDashboard } from './dashboard.ts';
import { runFanout } from './fanout.ts';
import { runIngest } from './ingest.ts';
import { runLatency } from './latency.ts';
import { runManySubscribers } from './many-subscribers.ts';
import { runLimit } from './limit.ts';
import { runLogins } from './logins.ts';
import { report, type Result } from './report.ts';
import { runSubscribers } from './subscribers.ts';
import { runWindows, WINDOW_QUERIES } from './windows.ts';

const { values } = parseArgs({
  options: {
    workload: { type: 'string', default: 'all' },
    rows: { type: 'string', default: '10000000' },
    json: { type: 'boolean', default: false },
  },
});
const rows = Number(values.rows);
const wanted = values.workload;

const groups: Readonly<Record<string, () => AsyncIterable<Result>>> = {
  ...Object.fromEntries(Object.keys(WINDOW_QUERIES).map((w) => [w, () => windows(w)])),
  ingest: () => runIngest(Math.min(rows, 2_000_000)),
  latency: () => runLatency(),
  dashboard: () => runDashboard(),
  fanout: () => runFanout(Math.min(rows, 1_000_000)),
  subscribers: () => runSubscribers(),
  logins: () => runLogins(),
  'many-subscribers': () => runManySubscribers(),
  limit: () => runLimit(rows),
};

async function* windows(workload: string): AsyncIterable<Result> {
  yield await runWindows(workload, rows, 'csv');
  if (workload === 'W3') yield await runWindows(workload, rows, 'json');
}

const chosen = wanted === 'all' ? Object.keys(groups) : [wanted];
if (!Number.isSafeInteger(rows) || rows <= 0 || chosen.some((name) => groups[name] === undefined)) {
  process.stderr.write(
    `usage: npm run bench -- [--workload ${Object.keys(groups).join('|')}|all] [--rows N] [--json]\n`,
  );
  process.exit(1);
}
for (const name of chosen) for await (const result of groups[name]!()) report(result, values.json);
