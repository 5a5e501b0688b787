/** Lengths of time in words: `10 minutes`, `1.5 seconds`. */
const UNITS = [
  ['day', 86_400_000_000],
  ['hour', 3_600_000_000],
  ['minute', 60_000_000],
  ['second', 1_000_000],
  ['millisecond', 1000],
] as const;

/** In the largest unit that divides it; microseconds else. */
export function durationText(micros: number): string {
  if (micros === 0) return '0 seconds';
  for (const [name, size] of UNITS) {
    if (micros % size === 0) return plural(micros / size, name);
  }
  return plural(micros, 'microsecond');
}

const plural = (count: number, name: string): string => `${count} ${name}${Math.abs(count) === 1 ? '' : 's'}`;
