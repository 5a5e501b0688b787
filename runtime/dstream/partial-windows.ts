/** Windows that began before the first row the query saw: they may lack rows. */
import type { WindowShape } from '../state/window-shape.ts';
import type { QueryContext } from './dstream.ts';

/** Names the first complete window, where an earlier one holds the row. Comes with the first row. */
export function noticePartialWindows(shape: WindowShape, firstTime: number, context: QueryContext): void {
  const startOf = (window: number): number =>
    shape.firstPane(window) * shape.widthMicros + shape.offsetMicros;
  const first = shape.firstWindow(Math.floor((firstTime - shape.offsetMicros) / shape.widthMicros));
  let window = first;
  while (startOf(window) < firstTime) window++;
  if (window === first || !Number.isFinite(window)) return;
  const start = new Date(startOf(window) / 1000).toISOString();
  context.notice('00000', `windows that begin before ${start} are partial: the query saw no earlier rows`);
}
