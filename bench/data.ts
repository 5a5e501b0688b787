/**
 * The benchmarks' events: ts (ms since 1970), tag (Zipf over the keys), user, value (two decimals), in event-time
 * order; the same rows for the same numbers. Files are made once and kept in bench/data.
 */
import { closeSync, existsSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createRandom } from '../common/random.ts';

export const DATA_DIRECTORY = fileURLToPath(new URL('./data/', import.meta.url));
const START_MS = 1_700_000_000_000;
const SEED = 12345;

export type EventOptions = Readonly<{ rows: number; ratePerSecond: number; keys: number }>;
export const usualEvents = (rows: number): EventOptions => ({ rows, ratePerSecond: 10_000, keys: 10_000 });

/** Calls `row` for each event. */
export function generateEvents(
  options: EventOptions,
  row: (ts: number, tag: string, user: number, value: number) => void,
): void {
  const { rows, ratePerSecond, keys } = options;
  const random = createRandom(SEED);
  const cumulative = new Float64Array(keys);
  let total = 0;
  for (let i = 0; i < keys; i++) {
    total += 1 / (i + 1);
    cumulative[i] = total;
  }
  const pick = (): number => {
    const target = random.next() * total;
    let low = 0;
    let high = keys - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulative[middle]! < target) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  for (let i = 0; i < rows; i++) {
    const ts = START_MS + Math.floor((i * 1000) / ratePerSecond);
    const tag = `tag${pick()}`;
    const user = Math.floor(random.next() * 1_000_000);
    row(ts, tag, user, Math.floor(random.next() * 10_000) / 100);
  }
}

/** The path of the events as a file. */
export function eventsFile(rows: number, format: 'csv' | 'json'): string {
  const path = `${DATA_DIRECTORY}events-${rows}.${format}`;
  if (existsSync(path)) return path;
  mkdirSync(DATA_DIRECTORY, { recursive: true });
  const fd = openSync(`${path}.partial`, 'w');
  let text = '';
  generateEvents(usualEvents(rows), (ts, tag, user, value) => {
    text +=
      format === 'csv'
        ? `${ts},${tag},${user},${value}\n`
        : `{"ts":${ts},"tag":"${tag}","user":${user},"value":${value}}\n`;
    if (text.length < 1 << 20) return;
    writeSync(fd, text);
    text = '';
  });
  writeSync(fd, text);
  closeSync(fd);
  renameSync(`${path}.partial`, path);
  return path;
}
