/** Millrace in the test's own thread: the real planner and engine, a clock that moves when told to, ticks cut at will. */
import { vi } from 'vitest';
import { formatDatum } from '../../common/value-text.ts';
import type { Schema } from '../../common/types.ts';
import { loadPlanner, planText } from '../../planner/planner.ts';
import type { Statement } from '../../planner/statement.ts';
import type { Batch } from '../../runtime/batch/column.ts';
import { readDatum } from '../../runtime/batch/datum.ts';
import { SqlError } from '../../common/sql-error.ts';
import { startEngineHere } from '../../runtime/engine.ts';
import { BOOTSTRAP_ROLE_OID } from '../../runtime/plan/authorization.ts';
import type { CatalogChange, RelationDefinition } from '../../runtime/plan/relation.ts';
import type { EngineOptions, ResultStream } from '../../runtime/engine-client.ts';
import { ServerCatalog } from '../../server/catalog.ts';

type Core = ReturnType<typeof startEngineHere>;

export type Row = readonly (string | null)[];
/** A row with its signed count. */
export type Change = Readonly<{ tick: number; diff: number; row: Row }>;

const START_MS = Date.UTC(2026, 0, 1);
const columnsOf = (relation: RelationDefinition): Schema => ('columns' in relation ? relation.columns : []);

export class Millrace {
  readonly core: Core;
  readonly #catalog: ServerCatalog;
  #now: number;
  /** SET ROLE */
  #role: Readonly<{ name: string; oid: number }> | null = null;

  private constructor(core: Core, nowMs: number) {
    this.core = core;
    this.#now = nowMs;
    this.#catalog = new ServerCatalog(core);
  }

  /** `nowMs`: what the clock shows; after a stop it does not go back. */
  static async start(options: Partial<EngineOptions> = {}, nowMs = START_MS): Promise<Millrace> {
    await loadPlanner();
    const core = startEngineHere({
      dataDirectory: null,
      filesDirectory: null,
      connectorHosts: [],
      secretKeyFile: null,
      memoryLimitBytes: 2 ** 31,
      tickIntervalMs: 100,
      walSync: 'off',
      maxRate: null,
      // ticks are cut by what is there, not by how long they take
      backpressure: false,
      clock: 'manual',
      ...options,
    });
    const millrace = new Millrace(core, nowMs);
    await core.advanceClock(nowMs);
    return millrace;
  }

  /** Plans with the catalog as it is. */
  plan(sql: string): Statement {
    const [planned] = this.#planAll(sql);
    if (planned === undefined) throw new Error('no statement');
    return planned.statement;
  }

  /** DDL and writes; resolves when the tick is committed. */
  async execute(sql: string): Promise<void> {
    for (const { statement } of this.#planAll(sql)) await this.#carryOut(statement);
  }

  /** A finite query's rows as text. */
  async query(sql: string): Promise<Row[]> {
    const statement = this.plan(sql);
    if (statement.kind !== 'query') throw new Error(`not a query: ${statement.kind}`);
    return collect(this.#run(statement), statement.plan.columns);
  }

  /** Starts SELECT … EMIT or SUBSCRIBE; `changes` gives what came so far. */
  async follow(sql: string): Promise<Follower> {
    const statement = this.plan(sql);
    if (statement.kind === 'query') return this.#follower(this.#run(statement), statement.plan.columns);
    if (statement.kind !== 'subscribe') throw new Error(`not continuous: ${statement.kind}`);
    const { target } = statement;
    const columns = target.kind === 'plan' ? target.plan.columns : columnsOf(target.relation);
    const stream = this.core.subscribe({
      ...this.#runOptions(),
      source: target.kind === 'plan' ? target : { kind: 'relation', relation: target.relation.oid },
      withSnapshot: statement.snapshot,
      progress: statement.progress,
      asOf: statement.asOf,
      upTo: statement.upTo,
    });
    return this.#follower(stream, columns);
  }

  get nowMs(): number {
    return this.#now;
  }

  /** Moves the clock by so many milliseconds and ticks. */
  async advance(ms: number): Promise<void> {
    this.#now += ms;
    await this.core.advanceClock(this.#now);
  }

  /** Ticks until the check passes: for what files, sockets and timers bring about. */
  until(check: () => Promise<void>): Promise<void> {
    const again = async (): Promise<void> => {
      await this.advance(1);
      await check();
    };
    return vi.waitFor(again, { timeout: 10_000, interval: 20 });
  }

  stop(): Promise<void> {
    return this.core.stop();
  }

  async #follower(stream: ResultStream, columns: Schema): Promise<Follower> {
    await this.advance(1);
    return new Follower(stream, columns);
  }

  #run(statement: Statement & { kind: 'query' }): ResultStream {
    return this.core.run(statement.plan, this.#runOptions());
  }

  #runOptions() {
    return { label: 'test', pid: 1, now: this.#now * 1000, silenceNoticeMs: 0, snapshot: null };
  }

  #planAll(sql: string) {
    return planText(sql, {
      catalog: this.#catalog.current,
      searchPath: ['public'],
      settings: new Map([['timezone', 'UTC']]),
      parameterTypes: [],
      user: this.#role?.name ?? 'test',
      role: this.#role?.oid ?? BOOTSTRAP_ROLE_OID,
      sessionUser: 'test',
      sessionRole: BOOTSTRAP_ROLE_OID,
      loginRole: BOOTSTRAP_ROLE_OID,
      claims: null,
      now: this.#now * 1000,
    });
  }

  async #carryOut(statement: Statement): Promise<void> {
    switch (statement.kind) {
      case 'create':
        return this.#define([{ kind: 'create', object: statement.object, replaces: statement.replaces }]);
      case 'drop':
        return this.#define([{ kind: 'drop', oids: statement.oids }]);
      case 'alter':
        return this.#define(statement.objects.map((object) => ({ kind: 'alter', object })));
      case 'write':
        await this.core.write(statement.operations, { now: this.#now * 1000 });
        return;
      case 'change':
        return this.#define(statement.changes);
      case 'set-role':
        this.#role = statement.role;
        return;
      case 'nothing':
        return;
      default:
        throw new Error(`the test harness does not carry out ${statement.kind}`);
    }
  }

  async #define(changes: readonly CatalogChange[]): Promise<void> {
    await this.#catalog.define(changes);
  }
}

export class Follower {
  readonly #stream: ResultStream;
  readonly #columns: Schema;
  readonly notices: string[] = [];
  readonly changes: Change[] = [];
  /** The largest tick known to be complete. */
  progress = 0;
  ended = false;

  constructor(stream: ResultStream, columns: Schema) {
    this.#stream = stream;
    this.#columns = columns;
  }

  /** Takes what is there; throws the query's error. */
  drain(): this {
    for (let event = this.#stream.poll(); event !== null; event = this.#stream.poll()) {
      if (event.kind === 'rows') this.changes.push(...changesOf(event.tick, event.batch, this.#columns));
      else if (event.kind === 'notice') this.notices.push(event.message);
      else if (event.kind === 'progress') this.progress = event.tick;
      else if (event.kind === 'error') throw SqlError.fromPlain(event.error);
      else this.ended = true;
    }
    return this;
  }

  /** What the changes add up to, as sorted lines. */
  consolidated(): string[] {
    this.drain();
    return consolidateChanges(this.changes);
  }

  cancel(): void {
    this.#stream.cancel();
  }
}

export function consolidateChanges(changes: readonly Change[]): string[] {
  const counts = new Map<string, number>();
  for (const { row, diff } of changes) {
    const key = line(row);
    counts.set(key, (counts.get(key) ?? 0) + diff);
  }
  const out: string[] = [];
  for (const [key, count] of counts) {
    if (count < 0) throw new Error(`retracted more often than sent: ${key}`);
    for (let i = 0; i < count; i++) out.push(key);
  }
  return out.sort();
}

export const line = (row: Row): string => row.map((value) => value ?? 'NULL').join('|');
export const sortedLines = (rows: readonly Row[]): string[] => rows.map(line).sort();

function changesOf(tick: number, batch: Batch, columns: Schema): Change[] {
  return rowsOf(batch, columns).map((row, i) => ({ tick, diff: batch.weights?.[i] ?? 1, row }));
}

function rowsOf(batch: Batch, columns: Schema): Row[] {
  return Array.from({ length: batch.rows }, (_, i) =>
    columns.map((field, c) => {
      const datum = readDatum(batch.columns[c]!, i, field.type);
      return datum === null ? null : formatDatum(datum, field.type);
    }),
  );
}

async function collect(stream: ResultStream, columns: Schema): Promise<Row[]> {
  const rows: Row[] = [];
  for (let event = await stream.next(); event !== null; event = await stream.next()) {
    if (event.kind === 'rows') rows.push(...rowsOf(event.batch, columns));
    else if (event.kind === 'error') throw SqlError.fromPlain(event.error);
    else if (event.kind === 'end') break;
  }
  return rows;
}
