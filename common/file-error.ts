import type { SqlState } from './sql-state.ts';
import { SqlError } from './sql-error.ts';

const STATES: Readonly<Record<string, SqlState>> = {
  ENOSPC: '53100',
  EDQUOT: '53100',
  EFBIG: '53100',
  EMFILE: '53000',
  ENFILE: '53000',
};
const HINTS: Readonly<Partial<Record<SqlState, string>>> = {
  '53100': 'Free space on the disk of the data directory, then try again.',
  '53000': 'The server may open no more files: drop relations, or let it open more (ulimit -n).',
};

/** What the file system said, as the user sees it: 53100, 53000, 58030; null: it is no such error. */
export function fileError(error: unknown): SqlError | null {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return null;
  const { message } = error;
  const state = STATES[String(error.code)] ?? '58030';
  const hint = HINTS[state];
  return new SqlError(
    state,
    `the data directory can't be written: ${message}`,
    hint === undefined ? {} : { hint },
  );
}
