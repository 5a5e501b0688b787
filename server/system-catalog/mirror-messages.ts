/** What crosses between the server's thread and the mirror's: plain data, buffers transferred. */
import type { ForeignType } from '../../common/types.ts';
import type { PlainError } from '../../common/sql-error.ts';
import type { FreshImage } from './start-image.ts';
import type { Batch } from '../../runtime/batch/column.ts';

export type MirrorOptions = Readonly<{
  /** Where the start image is kept, by PGlite's version; null: it is made anew at each start. */
  imageDirectory: string | null;
  resultBytesMax: number;
  memoryBytesMax: number;
  /** Of the files that a query makes for itself. */
  temporaryBytesMax: number;
}>;

/** A column as the mirror's RowDescription has it. */
export type MirrorField = ForeignType & Readonly<{ name: string }>;

export type MirrorRequest = Readonly<{
  id: number;
  /** SQL that brings the mirror up to date, and SQL that sets what the session has set; '' = nothing. */
  change: string;
  settings: string;
  /** Messages of the extended protocol, up to a Sync. */
  messages: Uint8Array;
}>;

export type MirrorReply = Readonly<{
  parameterOids: readonly number[];
  /** null: the statement gives no rows. */
  fields: readonly MirrorField[] | null;
  /** Columns of bytes, in the formats that were asked for. */
  batches: readonly Batch[];
  rows: number;
  error: PlainError | null;
  /** The error is of the session's settings: none of them is known to hold. */
  settingsFailed: boolean;
}>;

export type FromMirror =
  /** `fresh`: an image to be kept for later starts; null: there is one, or no place for it. */
  | Readonly<{ kind: 'ready'; fresh: FreshImage | null }>
  /** There is no mirror to be had, now or later. */
  | Readonly<{ kind: 'unavailable'; message: string }>
  /** `memoryBytes`: what the mirror holds by now. */
  | Readonly<{ kind: 'reply'; id: number; reply: MirrorReply; memoryBytes: number }>
  /** The request broke the mirror: it answers no more. `stage`: which part of the request it was. */
  | Readonly<{ kind: 'broken'; id: number; message: string }>;
