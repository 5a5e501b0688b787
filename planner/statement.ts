/** What a statement becomes: plain data that the session carries out. */
import type { Secret } from '../common/secret.ts';
import type { Schema, SqlType, TypeName } from '../common/types.ts';
import type { IngestOptions, WriteOperation } from '../runtime/engine-client.ts';
import type { QueryPlan } from '../runtime/plan/query-plan.ts';
import type {
  CatalogChange,
  CatalogObject,
  Oid,
  RelationDefinition,
  Requirement,
  StreamDefinition,
  TableDefinition,
} from '../runtime/plan/relation.ts';
import type { Catalog } from './catalog.ts';
import type { ParameterUse } from './bind/parameter-use.ts';

/** One statement of a query string, parsed but not bound. */
export type ParsedStatement = Readonly<{
  /** the statement's own text, without the semicolon */
  text: string;
  /** offset of `text` in the whole string, in characters */
  offset: number;
  /** libpg-query's tree of the rewritten text; absent for statements the router parses itself */
  tree: unknown;
  /** stream clauses cut out of the text, by their offset */
  clauses: unknown;
  /** Highest $n that occurs. */
  parameterCount: number;
  /** Allowed in a failed transaction block (COMMIT, ROLLBACK). */
  endsTransaction: boolean;
}>;

export type PlanContext = Readonly<{
  catalog: Catalog;
  searchPath: readonly string[];
  /** settings by lower-case name: timezone, datestyle, intervalstyle … */
  settings: ReadonlyMap<string, string>;
  /** Settings of the server that only those see who have pg_read_all_settings; absent: none. */
  confidential?: ReadonlyMap<string, string>;
  /** Types the client declared, by position; null = infer. */
  parameterTypes: readonly (TypeName | null)[];
  /** At Bind: the values in PostgreSQL text form, null = NULL; undefined while only describing. */
  parameterValues?: readonly (string | null)[];
  /** Is told how the plan uses them; absent: it is for these values only. */
  parameterUse?: ParameterUse;
  /** current_user */
  user: string;
  /** Whose privileges count. */
  role: Oid;
  sessionUser: string;
  /** Of sessionUser: what SET ROLE stands on. */
  sessionRole: Oid;
  /** Of who logged in: what SET SESSION AUTHORIZATION stands on. */
  loginRole: Oid;
  /** Of the session's token: millrace.claim(); null without one. */
  claims: Readonly<Record<string, unknown>> | null;
  /** µs: what 'now' and 'today' mean in literals. */
  now: number;
  /** pg_backend_pid() */
  backendPid?: number;
  /** When the server started and read its configuration (µs), and where the client is. */
  server?: Readonly<{
    startedAt: number;
    loadedAt: number;
    peer: Readonly<{ address: string; port: number; serverAddress: string; serverPort: number }> | null;
  }>;
  /** The role that the session of this process id logged in as; undefined: there is none. */
  roleOfBackend?: (pid: number) => Oid | undefined;
  /** Process ids of the sessions of a role. */
  backendsOf?: (role: Oid) => readonly number[];
}>;

export type SubscribeTarget =
  | Readonly<{ kind: 'relation'; relation: RelationDefinition }>
  | Readonly<{ kind: 'plan'; plan: QueryPlan }>;

export type CopyOptions = Readonly<{
  format: 'text' | 'csv' | 'binary';
  header: boolean;
  delimiter: string;
  nullText: string;
  quote: string;
  escape: string;
  /** CSV out: columns whose values are always quoted */
  forceQuote: 'all' | readonly string[];
}>;

/** Whether COPY … ON_ERROR ignore tells how many rows it skipped, and which. */
export type CopyVerbosity = 'silent' | 'default' | 'verbose';

export type FetchDirection = Readonly<{
  direction: 'forward' | 'backward' | 'absolute' | 'relative';
  /** 'all' or a count. */
  count: number | 'all';
}>;

/** Bytes as text, or as hexadecimal digits. */
export type SecretValue = Readonly<{ secret: Secret; encoding: 'utf8' | 'hex' }>;

/** READ ONLY, DEFERRABLE and their opposites, in the order in which they stand. */
export type TransactionModes = readonly Readonly<{
  name: 'transaction_read_only' | 'transaction_deferrable';
  value: 'on' | 'off';
}>[];

export type Statement =
  | Readonly<{ kind: 'empty' }>
  /** SELECT, VALUES, TABLE; continuous where plan.emit.kind is not 'finite'. */
  | Readonly<{ kind: 'query'; plan: QueryPlan; columns: Schema }>
  /** A query of the system catalog, which the server has answered: it tells parameters and columns too. */
  | Readonly<{
      kind: 'catalog';
      text: string;
      /** EXPLAIN of it: how the mirror would answer. */
      explains: boolean;
      /** Names of the relations and functions that it names. */
      reads: readonly string[];
      /**
       * set_config(…): the session applies these where the query gives rows. Where the name is not known (null) it must give
       * none: that is how pg_dump asks for a setting that not every server has.
       */
      settings: readonly Readonly<{ name: string | null; value: string | null; local: boolean }>[];
      /** Columns of process ids, and what they are to become: whether the session has signalled them. */
      signals: readonly Readonly<{ column: number; name: string; terminate: boolean }>[];
    }>
  | Readonly<{
      kind: 'subscribe';
      target: SubscribeTarget;
      /** What goes out, in order: tick, progressed?, diff or op, then the columns. */
      columns: Schema;
      /** ordinals of the target's columns that are the key of ENVELOPE UPSERT; null = diffs. */
      upsertKey: readonly number[] | null;
      withinTickOrder: readonly Readonly<{ column: number; descending: boolean; nullsFirst: boolean }>[];
      snapshot: boolean;
      progress: boolean;
      asOf: number | null;
      upTo: number | null;
    }>
  /** INSERT, UPDATE, DELETE, TRUNCATE (several relations: several operations). */
  | Readonly<{
      kind: 'write';
      operations: readonly WriteOperation[];
      tag: 'INSERT' | 'UPDATE' | 'DELETE' | 'TRUNCATE TABLE';
      /** Columns of RETURNING, which one operation has; null without it. */
      returning: Schema | null;
    }>
  /** INSERT INTO stream SELECT … EMIT: runs in the foreground until cancelled. */
  | Readonly<{
      kind: 'insert-continuous';
      target: StreamDefinition;
      columns: readonly number[];
      plan: QueryPlan;
    }>
  | Readonly<{
      kind: 'copy-from';
      target: StreamDefinition | TableDefinition;
      ingest: IngestOptions;
      columns: Schema;
      format: 'text' | 'csv' | 'binary';
      verbosity: CopyVerbosity;
    }>
  | Readonly<{ kind: 'copy-to'; source: Statement; options: CopyOptions }>
  /** `value`: of a secret, which is encrypted when the statement runs. */
  | Readonly<{
      kind: 'create';
      object: CatalogObject;
      replaces: Oid | null;
      value?: SecretValue;
      tag: string;
    }>
  /** IF [NOT] EXISTS and there is nothing to do. */
  | Readonly<{ kind: 'nothing'; tag: string; notice: string | null; noticeCode: string }>
  | Readonly<{ kind: 'drop'; oids: readonly Oid[]; tag: string; notices: readonly string[] }>
  | Readonly<{ kind: 'alter'; objects: readonly CatalogObject[]; value?: SecretValue; tag: string }>
  /** Several changes at once: roles, privileges, owners. */
  | Readonly<{
      kind: 'change';
      changes: readonly CatalogChange[];
      /** Of a role among them: its verifier is made when the statement runs. */
      password: Readonly<{ role: Oid; secret: Secret }> | null;
      /** ALTER ROLE … SET: the session knows which settings there are, and their values. */
      setting: Readonly<{ name: string; value: string }> | null;
      tag: string;
    }>
  | Readonly<{
      kind: 'explain';
      /** EXPLAIN SILENCE: rows of causes; else lines of text or one JSON document. */
      mode: 'plan' | 'analyze' | 'silence';
      format: 'text' | 'json';
      verbose: boolean;
      durationMs: number;
      target: Statement | RelationDefinition;
      /** The plan, printed (analyze: the session adds counters by operator id). */
      lines: readonly ExplainLine[];
    }>
  | Readonly<{ kind: 'show'; name: string }>
  /** SHOW STREAMS …, DESCRIBE: a finite answer made from the catalog. */
  | Readonly<{ kind: 'rows'; columns: Schema; rows: readonly (readonly (string | null)[])[]; tag: string }>
  | Readonly<{ kind: 'show-engine'; what: 'subscriptions' | 'watermarks' | 'sinks' }>
  | Readonly<{ kind: 'set'; name: string; value: string | null; local: boolean; tag: 'SET' | 'RESET' }>
  | Readonly<{
      kind: 'set-role';
      setting: 'role' | 'session_authorization';
      /** null: as the session began. */
      role: Readonly<{ name: string; oid: Oid }> | null;
      local: boolean;
      tag: 'SET' | 'RESET';
    }>
  /** SET TRANSACTION; `session`: SET SESSION CHARACTERISTICS AS TRANSACTION. */
  | Readonly<{ kind: 'set-modes'; modes: TransactionModes; session: boolean }>
  /** ALTER SYSTEM SET, RESET (value null), RESET ALL (name null). */
  | Readonly<{ kind: 'alter-system'; name: string | null; value: string | null }>
  | Readonly<{ kind: 'discard'; what: 'all' | 'plans' | 'sequences' | 'temp' }>
  | Readonly<{
      kind: 'transaction';
      action: 'begin' | 'commit' | 'rollback' | 'savepoint' | 'release' | 'rollback-to';
      name: string | null;
      chain: boolean;
      /** Of BEGIN. */
      modes: TransactionModes;
      tag: string;
    }>
  | Readonly<{
      kind: 'prepare';
      name: string;
      statement: ParsedStatement;
      parameterTypes: readonly (TypeName | null)[];
    }>
  | Readonly<{ kind: 'execute'; name: string; arguments: readonly (string | null)[] }>
  | Readonly<{ kind: 'deallocate'; name: string | null }>
  | Readonly<{
      kind: 'declare';
      name: string;
      source: Statement;
      /** null: where it is cheap */
      scroll: boolean | null;
      hold: boolean;
      binary: boolean;
    }>
  | Readonly<{ kind: 'fetch'; name: string; move: boolean; fetch: FetchDirection; timeoutMs: number | null }>
  | Readonly<{ kind: 'close'; name: string | null }>
  /** `subscribe`: of the relation that has the channel's name; null where there is none. */
  | Readonly<{ kind: 'listen'; channel: string; subscribe: Extract<Statement, { kind: 'subscribe' }> | null }>
  /** null: all channels. */
  | Readonly<{ kind: 'unlisten'; channel: string | null }>
  | Readonly<{ kind: 'notify'; channel: string; payload: string }>;

export type Signal =
  /** pg_cancel_backend, pg_terminate_backend */
  | Readonly<{ kind: 'backend'; pid: number; terminate: boolean }>
  /** pg_notify */
  | Readonly<{ kind: 'notify'; channel: string; payload: string }>
  /** pg_reload_conf */
  | Readonly<{ kind: 'reload' }>;

/** The query of the system catalog that a statement is, declares a cursor for or copies; null: none. */
export function catalogQueryIn(statement: Statement): Extract<Statement, { kind: 'catalog' }> | null {
  if (statement.kind === 'catalog') return statement;
  if (statement.kind === 'declare' || statement.kind === 'copy-to') return catalogQueryIn(statement.source);
  return null;
}

/** A line of EXPLAIN: printed with its depth; `operator` is the plan node's id where there is one. */
export type ExplainLine = Readonly<{
  depth: number;
  text: string;
  operator: number | null;
  properties: Readonly<Record<string, unknown>>;
}>;

/**
 * A query that only chooses rows by parameters, without its choice. Behind its columns stand those that must equal the
 * parameters, by text.
 */
export type PointReads = Readonly<{
  plan: QueryPlan;
  /** Of each of these columns: which of the plan's held parameters. */
  keys: readonly number[];
}>;

export type Planned = Readonly<{
  statement: Statement;
  parameterTypes: readonly SqlType[];
  /** Result columns; null where the statement returns no rows. */
  columns: Schema | null;
  /** What the session's role must have the right to, while the statement runs. */
  requires: readonly Requirement[];
  /** NOTICEs that planning gives (name truncated, EMIT CHANGES over HOP costs per open window, …). */
  notices: readonly Readonly<{
    severity: 'NOTICE' | 'WARNING';
    code: string;
    message: string;
    hint?: string;
  }>[];
  /** false: the plan holds now() folded, parameters or settings and may not be cached. */
  cacheable: boolean;
  /** It means the same later, for the same parameters and settings: nothing of now or of the session is folded in. */
  repeatable?: boolean;
  /** The query chooses rows by these parameters alone. */
  pointRead?: Readonly<{ reads: PointReads; keys: readonly (string | null)[] }>;
  /** pg_cancel_backend(…) and the like in the select list: the session sends these. */
  signals?: readonly Signal[];
  /** set_config(…) in the select list: the session applies these when the statement has run. */
  settings?: readonly Readonly<{ name: string; value: string | null; local: boolean }>[];
}>;
