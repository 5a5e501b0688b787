/** The plain loop: the same job as W1 and W3 by hand, without a server, in one process. What the server is measured against. */
import { closeSync, openSync, readSync } from 'node:fs';
import { eventsFile } from './data.ts';
import type { Result } from './report.ts';

const CHUNK = 1 << 20;
const START_MS = 1_700_000_000_000;

type Totals = { counts: Float64Array; sums: Float64Array };
const totals = (keys: number): Totals => ({ counts: new Float64Array(keys), sums: new Float64Array(keys) });

export async function* runLimit(rows: number): AsyncIterable<Result> {
  for (const [name, slide, panes] of [
    ['limit-W1', 10_000, 1],
    ['limit-W3', 1000, 600],
  ] as const) {
    const file = eventsFile(rows, 'csv');
    const cpu = process.cpuUsage();
    const started = performance.now();
    const out = slidingSums(file, slide, panes);
    const used = process.cpuUsage(cpu);
    const seconds = (performance.now() - started) / 1000;
    yield {
      workload: name,
      rows,
      seconds,
      cpu_seconds: (used.user + used.system) / 1e6,
      rows_per_second: rows / seconds,
      peak_mb: process.memoryUsage.rss() / 1048576,
      result_rows: out.rows,
      count_sum: out.counts,
      value_sum: Number(out.values.toFixed(2)),
    };
    await Promise.resolve();
  }
}

/** Sums per key of the last `panes` panes, at each slide; the totals of all results. */
function slidingSums(
  file: string,
  slideMs: number,
  panes: number,
): { rows: number; counts: number; values: number } {
  const ids = new Map<string, number>();
  const running = totals(65536);
  const ring: { groups: Uint32Array; part: Totals }[] = [];
  const open = totals(65536);
  let touched: number[] = [];
  let pane = -1;
  const out = { rows: 0, counts: 0, values: 0 };
  const merge = ({ groups, part }: { groups: Uint32Array; part: Totals }, sign: 1 | -1): void => {
    for (let i = 0; i < groups.length; i++) {
      const group = groups[i]!;
      running.counts[group]! += sign * part.counts[i]!;
      running.sums[group]! += sign * part.sums[i]!;
    }
  };
  const close = (): void => {
    const groups = Uint32Array.from(touched);
    const part = totals(groups.length);
    groups.forEach((group, i) => {
      part.counts[i] = open.counts[group]!;
      part.sums[i] = open.sums[group]!;
      open.counts[group] = 0;
      open.sums[group] = 0;
    });
    touched = [];
    ring.push({ groups, part });
    merge(ring.at(-1)!, 1);
    if (ring.length > panes) merge(ring.shift()!, -1);
    for (let group = 0; group < ids.size; group++) {
      if (running.counts[group]! <= 0) continue;
      out.rows++;
      out.counts += running.counts[group]!;
      out.values += running.sums[group]!;
    }
  };
  const buffer = Buffer.allocUnsafe(2 * CHUNK);
  const fd = openSync(file, 'r');
  let have = 0;
  for (;;) {
    const read = readSync(fd, buffer, have, CHUNK, null);
    if (read === 0) break;
    have += read;
    const end = buffer.lastIndexOf(10, have - 1) + 1;
    let p = 0;
    while (p < end) {
      let ts = 0;
      for (; buffer[p] !== 44; p++) ts = ts * 10 + buffer[p]! - 48;
      const from = ++p;
      while (buffer[p] !== 44) p++;
      const key = buffer.toString('latin1', from, p);
      let group = ids.get(key);
      if (group === undefined) {
        group = ids.size;
        ids.set(key, group);
      }
      for (p++; buffer[p] !== 44; p++);
      let value = 0;
      let scale = 0;
      for (p++; buffer[p] !== 10; p++) {
        if (buffer[p] === 46) scale = 1;
        else {
          value = value * 10 + buffer[p]! - 48;
          scale *= 10;
        }
      }
      p++;
      const current = Math.floor((ts - START_MS) / slideMs);
      if (current !== pane) {
        if (pane >= 0) close();
        pane = current;
      }
      if (open.counts[group] === 0) touched.push(group);
      open.counts[group]!++;
      open.sums[group]! += scale > 1 ? value / scale : value;
    }
    buffer.copy(buffer, 0, end, have);
    have -= end;
  }
  closeSync(fd);
  for (let i = 0; i < panes; i++) close();
  return out;
}
