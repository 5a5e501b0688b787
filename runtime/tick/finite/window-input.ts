/** Of a view that only grows, the rows of the windows that a query asks for, and few others. */
import type { WindowRead } from '../../plan/window-reads.ts';
import type { StoredBatch } from '../../view/append-store.ts';
import type { ViewRuntime } from '../view-runtime.ts';
import { partsOf } from './finite-parts.ts';
import type { FiniteInput } from './finite-run.ts';

/** null: its rows are not kept by these times. */
export function windowInput(view: ViewRuntime, windows: WindowRead | null): FiniteInput | null {
  const entries = windows === null ? null : view.readByTime(windows.column);
  if (windows === null || entries === null) return null;
  if (windows.kind === 'latest') {
    const latest = entries.reduce((most, { time }) => Math.max(most, time), Number.NEGATIVE_INFINITY);
    return { parts: partsOf(reaching(entries, latest)) };
  }
  return {
    parts: partsOf(reaching(entries, Number.NEGATIVE_INFINITY)),
    narrow: (values) => {
      const value = values[windows.subquery];
      return typeof value === 'number' ? partsOf(reaching(entries, value)) : null;
    },
  };
}

/** Those that hold a row of this time or of a later one. */
function* reaching(entries: readonly StoredBatch[], time: number): Generator<StoredBatch['batch']> {
  for (const entry of entries) if (entry.time >= time) yield entry.batch;
}
