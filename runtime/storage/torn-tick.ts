/**
 * A tick is in all logs that it wrote to, or in none: where a crash came between them, what is there of it is taken away.
 * Nobody was told of it. Only the last tick can be such a one, as each waits until the one before is in its logs.
 */
import { truncateSync } from 'node:fs';
import { type Frame, readSegment, segmentNumbers, segmentPath } from './log-segment.ts';

type Tail = Readonly<{ path: string; frames: readonly Frame[] }>;

/** Of the logs in these directories. `since`: the tick of the last definition: a relation that it dropped took its part along. */
export function cutTornTick(directories: readonly string[], since: number): void {
  const tails = directories.flatMap((directory) => tailOf(directory) ?? []);
  const last = tails.reduce((tick, { frames }) => Math.max(tick, frames.at(-1)!.tick), since);
  const torn = tails.map(({ path, frames }) => ({
    path,
    frames: frames.filter(({ tick }) => tick === last),
  }));
  const found = torn.flatMap(({ frames }) => frames);
  if (found.every(({ tickFrames }) => tickFrames <= found.length)) return;
  for (const { path, frames } of torn) if (frames.length > 0) truncateSync(path, frames[0]!.at);
}

/** The last segment that holds frames; null: there is none. */
function tailOf(directory: string): Tail | null {
  for (const number of segmentNumbers(directory).reverse()) {
    const path = segmentPath(directory, number);
    const { frames } = readSegment(path);
    if (frames.length > 0) return { path, frames };
  }
  return null;
}
