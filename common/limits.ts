/** Every bound in one place (I4): nothing grows past what stands here. */
import { assert } from './assert.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Skipped rows of a COPY that LOG_VERBOSITY verbose names. */
export const COPY_REPORTS_MAX = 100;
/** Longest text of a query: above it 54000. The setting millrace.statement_size_limit may ask for less. */
export const STATEMENT_BYTES_MAX = 16 * MIB;
/** Of a password in CREATE ROLE (22023). */
export const PASSWORD_CHARACTERS_MAX = 1_000;
/** Of a secret's value, and of a text that a connector sends (54000); and how many secrets there may be (54000). */
export const SECRET_BYTES_MAX = 64 * KIB;
export const SECRETS_MAX = 10_000;
/** Bytes a file source reads, and the most it decodes, in one tick. */
export const FILE_CHUNK_BYTES = 1 * MIB;
/** A longer line is rejected. */
export const LINE_BYTES_MAX = 16 * MIB;
/** Rows and bytes that one tick admits into a stream at the most; the rest waits for the next one. */
export const TICK_ROWS_MAX = 65_536;
export const TICK_BYTES_MAX = 8 * MIB;
/** Rows waiting for admission before writers have to wait (back-pressure). */
export const WAITING_BYTES_MAX = 64 * MIB;
/** Rows kept in millrace.late_rows and millrace.rejected_rows each. */
export const KEPT_ROWS_MAX = 10_000;
/** Ticks kept in millrace.ticks. */
export const KEPT_TICKS_MAX = 10_000;
/** Arrays that an engine keeps for the next tick's results, of each element type. */
export const RECYCLED_BYTES_MAX = 16 * MIB;
/** Unsent bytes of a finite result before its query waits for the reader. */
export const RESULT_WINDOW_BYTES = 4 * MIB;
/** Unsent bytes of a continuous result before it is cut off (53400). */
export const UNSENT_BYTES_MAX = 16 * MIB;
/** Polled queries: what all of a tick may take, and what an answer may hold; beyond it they are evaluated when asked. */
export const POLLED_MS_MAX = 2;
export const POLLED_ANSWER_BYTES_MAX = 256 * KIB;
/** Encoded answers that are kept for who asks the same again, all together and one. */
export const RESULT_CACHE_BYTES_MAX = 64 * MIB;
export const RESULT_CACHE_ENTRY_BYTES_MAX = 8 * MIB;
/** Free bytes on the disk of the data directory at which rows are refused (53100); of a small one a sixteenth. */
export const DISK_RESERVE_BYTES = 64 * MIB;
/** Time after which the log is on the disk with wal_sync = interval. */
export const WAL_SYNC_INTERVAL_MS = 200;
/** Time a finite query takes between two ticks at the most. */
export const SLICE_MS = 5;
/** Rows of a sub-query of IN (54000): they are held as values. */
export const SUBQUERY_ROWS_MAX = 1_000_000;
/** Indexes of a relation (54000), and columns of one (54011): each is kept with every change. */
export const INDEXES_MAX = 64;
export const INDEX_COLUMNS_MAX = 32;
/** Rows and bytes that an open transaction block may write (54000). */
export const BLOCK_ROWS_MAX = 1_000_000;
export const BLOCK_BYTES_MAX = 64 * MIB;

assert(FILE_CHUNK_BYTES <= TICK_BYTES_MAX, 'a tick takes a whole chunk of a file');
assert(2 * SECRET_BYTES_MAX <= STATEMENT_BYTES_MAX, 'a statement holds a secret, in hexadecimal digits too');
assert(TICK_BYTES_MAX <= WAITING_BYTES_MAX, 'a full tick fits what may wait');
assert(
  RESULT_CACHE_ENTRY_BYTES_MAX <= RESULT_CACHE_BYTES_MAX,
  'a large answer fits among those that are kept',
);
assert(RESULT_WINDOW_BYTES <= UNSENT_BYTES_MAX, 'a finite result waits before a continuous one is cut off');
