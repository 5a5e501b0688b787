/** Definitions of catalog objects: versioned plain data, persisted by the engine, read by the planner. */
import type { SqlType } from '../../common/types.ts';
import type { Expression } from './expression.ts';
import type {
  DatabaseDefinition,
  Owned,
  Privilege,
  RoleDefinition,
  RowSecurity,
  TokenDefinition,
} from './authorization.ts';
import type { Oid } from './oid.ts';
import type { QueryPlan } from './query-plan.ts';
import type { OptionText, SecretDefinition } from './secret.ts';

export { FIRST_USER_OID, type Oid } from './oid.ts';

export type ColumnDefinition = Readonly<{
  name: string;
  type: SqlType;
  notNull: boolean;
  /** Bound over no input; null = NULL. */
  defaultValue: Expression | null;
  /** GENERATED ALWAYS AS (…) STORED, bound over the relation's own columns. */
  generated: Expression | null;
  comment: string | null;
}>;

/** `WATERMARK FOR column AS column - delay [IDLE AFTER …] [MAX SKEW …]`; durations in µs, null = off. */
export type WatermarkDefinition = Readonly<{
  column: number;
  delayMicros: number;
  idleAfterMicros: number | null;
  maxSkewMicros: number | null;
}>;

/** `'1 hour, 1 GB'`; null = no bound. `none`: keeps nothing. */
export type Retention = Readonly<{ ageMicros: number | null; bytes: number | null; none: boolean }>;

export type FormatOptions = Readonly<{
  format: 'json' | 'csv' | 'text';
  /** csv: first line names the columns. */
  header: boolean;
  delimiter: string;
  nullText: string;
  timestampUnit: 's' | 'ms' | 'us' | null;
}>;

/** The planner has checked names and values; the runtime knows each connector's meaning. */
export type ConnectorOptions =
  | Readonly<{ connector: 'log' }>
  | Readonly<{ connector: 'file'; path: string; follow: boolean; maxRate: number | null }>
  | Readonly<{
      connector: 'tcp';
      host: string;
      port: number;
      /** Sent with a line feed at each connection; absent or null: nothing. */
      greeting?: OptionText | null;
    }>
  | Readonly<{
      connector: 'generator';
      /** rows per second; null = as fast as it can. */
      rate: number | null;
      /** rows in all; null = endless. */
      rows: number | null;
      keys: number;
      /** at most this far behind in event time. */
      disorderMicros: number;
      /** share of rows, 0 to 1, that are older than the watermark allows. */
      late: number;
      seed: number;
      /** event time of the first row, µs; null = the clock. */
      start: number | null;
    }>;

type ObjectBase = Owned &
  Readonly<{
    oid: Oid;
    schema: string;
    name: string;
    comment: string | null;
    /** null: nothing was ever said about it */
    rowSecurity: RowSecurity | null;
  }>;

export type SchemaDefinition = Owned &
  Readonly<{ kind: 'schema'; oid: Oid; name: string; comment: string | null }>;

export type StreamDefinition = ObjectBase &
  Readonly<{
    kind: 'stream';
    columns: readonly ColumnDefinition[];
    watermark: WatermarkDefinition | null;
    source: ConnectorOptions;
    format: FormatOptions;
    retention: Retention;
    /** kept apart so that SHOW and dumps can print them. */
    options: Readonly<Record<string, string>>;
  }>;

export type TableDefinition = ObjectBase &
  Readonly<{
    kind: 'table';
    columns: readonly ColumnDefinition[];
    /** ordinals; empty = no primary key. */
    primaryKey: readonly number[];
    changelog: Retention;
  }>;

/** Settings that a view keeps from its creation. */
export type ViewSettings = Readonly<{ timeZone: string; dateStyle: string; searchPath: readonly string[] }>;

/** What a name in a view's text meant when the view was made: it goes on meaning that, whatever is renamed. */
export type KnownRelation = Readonly<{
  schema: string | null;
  name: string;
  oid: Oid;
  columns: readonly string[];
}>;

/** A right that a plan stands on. `view`: the view whose owner reads; null: who runs the plan. */
export type Requirement = Readonly<{
  relation: Oid;
  view: Oid | null;
  privilege: Privilege;
  /** the policies that the plan holds, as text; '': none */
  policies: string;
}>;

export type ViewDefinition = ObjectBase &
  Readonly<{
    kind: 'view';
    columns: readonly ColumnDefinition[];
    /** the query's text, re-bound where it is used; its names are those of `names`. */
    query: string;
    settings: ViewSettings;
    dependencies: readonly Oid[];
    names: readonly KnownRelation[];
    /** It reads with the privileges of who reads it, not of its owner. */
    securityInvoker: boolean;
  }>;

export type MaterializedViewDefinition = ObjectBase &
  Readonly<{
    kind: 'materialized-view';
    columns: readonly ColumnDefinition[];
    query: string;
    settings: ViewSettings;
    plan: QueryPlan;
    retention: Retention;
    changelog: Retention;
    dependencies: readonly Oid[];
    /** What its owner must have the right to. */
    reads: readonly Requirement[];
  }>;

export type SinkOptions =
  | Readonly<{ connector: 'blackhole' }>
  | Readonly<{ connector: 'file'; path: string; format: 'json' | 'csv'; header: boolean }>;

export type SinkDefinition = ObjectBase &
  Readonly<{
    kind: 'sink';
    /** `INTO stream AS SELECT …`: the stream's oid; else null. */
    into: Oid | null;
    sink: SinkOptions;
    query: string;
    plan: QueryPlan;
    dependencies: readonly Oid[];
    /** What its owner must have the right to. */
    reads: readonly Requirement[];
    /** Why it writes no more; null: it does. */
    ended: string | null;
    options: Readonly<Record<string, string>>;
  }>;

export type RelationDefinition =
  | StreamDefinition
  | TableDefinition
  | ViewDefinition
  | MaterializedViewDefinition
  | SinkDefinition;

/** `CREATE INDEX`: of a table or materialized view, in whose schema it is; whose owner is its owner. */
export type IndexDefinition = Readonly<{
  kind: 'index';
  oid: Oid;
  name: string;
  comment: string | null;
  relation: Oid;
  /** ordinals */
  columns: readonly number[];
  /** As it was written: rows are found by equality either way. */
  method: 'btree' | 'hash';
  /** Of each column. */
  order: readonly Readonly<{ descending: boolean; nullsFirst: boolean }>[];
}>;

/** How people are told of an object: with its schema, unless that is public. */
export const shownName = ({ schema, name }: Readonly<{ schema: string; name: string }>): string =>
  schema === 'public' ? name : `${schema}.${name}`;

export type CatalogObject =
  | DatabaseDefinition
  | SchemaDefinition
  | RelationDefinition
  | IndexDefinition
  | RoleDefinition
  | SecretDefinition
  | TokenDefinition;

const RELATION_KINDS: ReadonlySet<CatalogObject['kind']> = new Set([
  'stream',
  'table',
  'view',
  'materialized-view',
  'sink',
]);

export function isRelation(object: CatalogObject): object is RelationDefinition {
  return RELATION_KINDS.has(object.kind);
}

/** Secrets that an object names. */
export function secretsOf(object: CatalogObject): readonly Oid[] {
  if (object.kind !== 'stream' || object.source.connector !== 'tcp') return [];
  const { greeting } = object.source;
  return greeting?.kind === 'secret' ? [greeting.secret] : [];
}

/** One atomic change of the catalog, checked and logged by the engine. */
export type CatalogChange =
  | Readonly<{ kind: 'create'; object: CatalogObject; replaces: Oid | null }>
  | Readonly<{ kind: 'drop'; oids: readonly Oid[] }>
  /** rename, comment: the same object with other words; its state stays. */
  | Readonly<{ kind: 'alter'; object: CatalogObject }>;
