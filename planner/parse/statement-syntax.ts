/** What the parse layer knows of a statement: PostgreSQL's tree, and beside it what PostgreSQL does not have. */
import type { Node } from 'libpg-query';
import type { SecretValue } from '../statement.ts';
import type { SourceText } from './source-text.ts';

/** Offsets here are UTF-16 offsets into the statement's text. */
export type QualifiedName = Readonly<{ schema: string | null; name: string; offset: number }>;

/** `INTERVAL '10' MINUTES`, `10 MINUTES`, `'10 minutes'` or `$1`; the planner gives it a length. */
export type DurationSyntax =
  | Readonly<{ kind: 'text'; text: string; offset: number }>
  | Readonly<{ kind: 'param'; number: number; offset: number }>;

/** `name = value` of a WITH list; null: no value was written. `secret`: `name = SECRET …`, and no value. */
export type OptionSyntax = Readonly<{
  name: string;
  value: string | null;
  secret?: QualifiedName;
  offset: number;
}>;

export type EmitSyntax = Readonly<{
  mode: 'close' | 'changes' | 'every';
  period: DurationSyntax | null;
  options: readonly OptionSyntax[];
  offset: number;
}>;

export type WindowClauseSyntax =
  | Readonly<{ kind: 'hop'; size: DurationSyntax; advance: DurationSyntax; offset: number }>
  | Readonly<{ kind: 'tumble'; size: DurationSyntax; offset: number }>
  | Readonly<{ kind: 'session'; gap: DurationSyntax; offset: number }>;

/** The side table: clauses that were cut out of the text, by offset. */
export type StreamClauses = Readonly<{
  emit: EmitSyntax | null;
  /** by the offset of the WINDOW_CLAUSE marker that stands in FROM */
  windows: ReadonlyMap<number, WindowClauseSyntax>;
  /** PARTITION BY of SESSION(…): column names, by the offset of the function's name */
  partitions: ReadonlyMap<number, readonly Readonly<{ names: readonly string[]; offset: number }>[]>;
  /** offsets of relations that are read FOR SYSTEM_TIME AS OF PROCTIME() */
  processingTime: ReadonlySet<number>;
  /** offsets of the counts of LIMIT … PER WINDOW */
  limitsPerWindow: ReadonlySet<number>;
}>;

export const NO_CLAUSES: StreamClauses = {
  emit: null,
  windows: new Map(),
  partitions: new Map(),
  processingTime: new Set(),
  limitsPerWindow: new Set(),
};

/** A query inside a statement, in the coordinates of the statement's text. */
export type QuerySyntax = Readonly<{ node: Node; source: SourceText; clauses: StreamClauses }>;

export type FormatSyntax = Readonly<{ name: string; options: readonly OptionSyntax[]; offset: number }>;

export type WatermarkSyntax = Readonly<{
  column: string;
  delay: DurationSyntax | null;
  idleAfter: DurationSyntax | null;
  maxSkew: DurationSyntax | null;
  offset: number;
}>;

export type SubscribeSyntax = Readonly<{
  kind: 'subscribe';
  source: SourceText;
  target: QualifiedName | QuerySyntax;
  upsertKey: readonly Readonly<{ name: string; offset: number }>[] | null;
  withinTick: readonly Readonly<{ name: string; offset: number; descending: boolean; nullsFirst: boolean }>[];
  options: readonly OptionSyntax[];
  asOf: string | null;
  upTo: string | null;
  offset: number;
}>;

export type CreateSinkSyntax = Readonly<{
  kind: 'create-sink';
  source: SourceText;
  name: QualifiedName;
  ifNotExists: boolean;
  /** options of the continuous query */
  queryOptions: readonly OptionSyntax[];
  input:
    | Readonly<{ kind: 'from'; relation: QualifiedName }>
    | Readonly<{ kind: 'query'; query: QuerySyntax; text: string }>;
  into: QualifiedName | null;
  options: readonly OptionSyntax[];
  format: FormatSyntax | null;
}>;

export type StatementSyntax =
  | Readonly<{ kind: 'empty'; source: SourceText }>
  | Readonly<{
      kind: 'postgres';
      source: SourceText;
      node: Node;
      clauses: StreamClauses;
      /** STREAM, SINK and SECRET were written where the tree says TABLE, VIEW, TYPE. */
      objectKind: 'stream' | 'sink' | 'secret' | null;
      /** OR REPLACE of a materialized view. */
      replace: boolean;
      /** SUBSCRIBE inside COPY, DECLARE, EXPLAIN; the tree has SELECT 1 there. */
      nested: SubscribeSyntax | null;
      /** FETCH … WITH (timeout = …) */
      fetchOptions: readonly OptionSyntax[];
      /** Offset and end of what follows AS in PREPARE, CREATE VIEW and CREATE MATERIALIZED VIEW. */
      body: Readonly<{ start: number; end: number }> | null;
      /** EXPLAIN name: the tree has SELECT 1 there. */
      explained: QualifiedName | null;
    }>
  | Readonly<{
      kind: 'create-stream';
      source: SourceText;
      /** CREATE TABLE with the same columns. */
      node: Node;
      watermarks: readonly WatermarkSyntax[];
      options: readonly OptionSyntax[];
      format: FormatSyntax | null;
    }>
  | CreateSinkSyntax
  | SubscribeSyntax
  | Readonly<{
      kind: 'explain-silence';
      source: SourceText;
      target: QualifiedName | QuerySyntax | SubscribeSyntax;
    }>
  | Readonly<{
      kind: 'create-token';
      source: SourceText;
      name: string;
      role:
        | Readonly<{ name: string }>
        | Readonly<{ special: 'current_user' | 'current_role' | 'session_user' }>;
      validUntil: string | null;
    }>
  | Readonly<{
      kind: 'create-secret';
      source: SourceText;
      name: QualifiedName;
      ifNotExists: boolean;
      options: readonly OptionSyntax[];
      value: SecretValue;
    }>
  | Readonly<{
      kind: 'alter-secret';
      source: SourceText;
      name: QualifiedName;
      missingOk: boolean;
      options: readonly OptionSyntax[];
      value: SecretValue;
    }>
  | Readonly<{ kind: 'drop-token'; source: SourceText; names: readonly string[]; missingOk: boolean }>
  | Readonly<{ kind: 'describe'; source: SourceText; name: QualifiedName }>
  | Readonly<{ kind: 'show'; source: SourceText; what: string }>;
