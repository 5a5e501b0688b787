/** A result: a line of text, or with --json one object a line. */
export type Result = Readonly<{
  workload: string;
  rows: number;
  seconds: number;
  cpu_seconds: number;
  rows_per_second: number;
  peak_mb: number;
  result_rows: number;
  count_sum: number | null;
  value_sum: number | null;
  /** figures of the workload's own: percentiles, bytes a group */
  [extra: string]: string | number | null;
}>;

const round = (value: number, digits: number): number => Number(value.toFixed(digits));

export function report(result: Result, json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return;
  }
  const { workload, rows, seconds, cpu_seconds, rows_per_second, peak_mb, ...rest } = result;
  const perCpu = cpu_seconds > 0 ? `, ${round(rows / cpu_seconds / 1e6, 2)} M rows per CPU second` : '';
  const figures = Object.entries(rest).flatMap(([name, value]) =>
    value === null ? [] : [`${name} ${value}`],
  );
  process.stdout.write(
    `${workload}: ${rows} rows in ${round(seconds, 2)} s (${round(rows_per_second / 1e6, 3)} M/s), ` +
      `CPU ${round(cpu_seconds, 2)} s${perCpu}, peak ${round(peak_mb, 0)} MB, ${figures.join(', ')}\n`,
  );
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
