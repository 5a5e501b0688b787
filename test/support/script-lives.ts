/**
 * The lives of a script: as written, a row a tick, random cuts, with restarts, with crashes, over the wire. The
 * consolidated answers are the same in all.
 */
import type { EventEmitter } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { vi } from 'vitest';
import { createRandom } from '../../common/random.ts';
import { type Change, consolidateChanges, Millrace, type Row } from './millrace.ts';
import { parseScript, shown, type ScriptRecord } from './script.ts';
import { connectTo, TestServer } from './server.ts';

export const LIVES = ['as-written', 'row-a-tick', 'random-cuts', 'restarts', 'crashes', 'wire'] as const;
export type Life = (typeof LIVES)[number];

/** What a life must be able to do. */
interface Host {
  execute(sql: string): Promise<void>;
  query(sql: string): Promise<(readonly (string | null)[])[]>;
  follow(sql: string): Promise<Followed>;
  restart(): Promise<void>;
  crash(): Promise<void>;
  /** The clock; undefined where it is the system's. */
  readonly clock?: Readonly<{ now(): number; advance(ms: number): Promise<void> }>;
  stop(): Promise<void>;
}

/** What a followed query has sent; `expected`: over the wire, rows may still be on their way. */
interface Followed {
  consolidated(expected: readonly string[]): Promise<readonly string[]>;
}

export class ScriptError extends Error {}

export async function runScript(source: string, life: Life, seed: number): Promise<number> {
  const host = life === 'wire' ? await WireHost.start() : await EmbeddedHost.start(life);
  const cut = cuts(life, seed);
  const followers = new Map<string, Followed>();
  const random = createRandom(seed);
  let statements = 0;
  try {
    for (const record of parseScript(source)) {
      if (record.only.length > 0 && !record.only.includes(life)) continue;
      statements++;
      await runRecord(record, host, followers, cut).catch((error: unknown) => {
        throw new ScriptError(`line ${record.line} (${life}, seed ${seed}): ${(error as Error).message}`, {
          cause: error,
        });
      });
      if (record.kind !== 'feed' || followers.size > 0) continue;
      if (life === 'restarts') await host.restart();
      if (life === 'crashes' && random.next() < 0.5) await host.crash();
    }
  } finally {
    await host.stop();
  }
  return statements;
}

async function runRecord(
  record: ScriptRecord,
  host: Host,
  followers: Map<string, Followed>,
  cut: (rows: number) => number[],
): Promise<void> {
  switch (record.kind) {
    case 'statement':
      return runStatement(record, host);
    case 'query': {
      const rows = (await host.query(record.sql)).map((row) => row.map(shown).join('|'));
      return expectRows(record.sort ? rows.sort() : rows, record.sort ? record.rows.toSorted() : record.rows);
    }
    case 'feed': {
      let at = 0;
      for (const count of cut(record.rows.length)) {
        await host.execute(
          `INSERT INTO ${record.stream} VALUES ${record.rows.slice(at, at + count).join(', ')}`,
        );
        at += count;
      }
      return;
    }
    case 'changes':
      followers.set(record.name, await host.follow(record.sql));
      return;
    case 'consolidated': {
      const follower = followers.get(record.name);
      if (follower === undefined) throw new Error(`nothing follows ${record.name}`);
      const expected = record.rows.toSorted();
      return expectRows(await follower.consolidated(expected), expected);
    }
    case 'restart':
      return host.restart();
    case 'crash':
      return host.crash();
    case 'clock':
      return clockOf(host).advance(record.byMs);
    case 'advance':
      return advanceStream(record.stream, record.to, host);
  }
}

function clockOf(host: Host): NonNullable<Host['clock']> {
  if (host.clock === undefined) throw new Error('this life has no clock of its own: name the lives');
  return host.clock;
}

/** A watermark that goes with the clock starts to go after a while (IDLE AFTER), so it takes a few steps. */
async function advanceStream(stream: string, to: string, host: Host): Promise<void> {
  const clock = clockOf(host);
  const target = Date.parse(to);
  for (let step = 0; step < ADVANCE_STEPS; step++) {
    const [row] = await host.query(`SELECT extract(epoch FROM millrace.watermark('${stream}')) * 1000`);
    const missing = target - Number(row?.[0] ?? Number.NaN);
    if (missing <= 0) return;
    if (Number.isNaN(missing)) throw new Error(`${stream} has no watermark`);
    await clock.advance(missing);
  }
  throw new Error(`the watermark of ${stream} does not come to ${to} with the clock`);
}

const ADVANCE_STEPS = 50;

const consolidatedLines = (changes: readonly Change[]): string[] =>
  consolidateChanges(changes.map((change) => ({ ...change, row: change.row.map(shown) })));

async function runStatement(record: ScriptRecord & { kind: 'statement' }, host: Host): Promise<void> {
  let failure: { code?: string; message: string } | null = null;
  try {
    await (isQuery(record.sql) ? host.query(record.sql) : host.execute(record.sql));
  } catch (error) {
    failure = error as { code?: string; message: string };
  }
  if (record.error === null) {
    if (failure !== null) throw new Error(`failed with ${failure.code ?? ''} ${failure.message}`);
    return;
  }
  if (failure === null) throw new Error(`did not fail; ${record.error} was expected`);
  if (failure.code !== record.error)
    throw new Error(`failed with ${failure.code ?? '?'} ${failure.message}, not ${record.error}`);
  if (!failure.message.includes(record.text))
    throw new Error(`message "${failure.message}" lacks "${record.text}"`);
}

const isQuery = (sql: string): boolean => /^\s*(select|values|table|with)\b/i.test(sql);

function expectRows(actual: readonly string[], expected: readonly string[]): void {
  if (actual.join('\n') === expected.join('\n')) return;
  throw new Error(`rows differ\nexpected:\n${expected.join('\n')}\nactual:\n${actual.join('\n')}`);
}

/** How many rows of a feed go into each tick. */
function cuts(life: Life, seed: number): (rows: number) => number[] {
  const random = createRandom(seed);
  return (rows) => {
    if (life === 'row-a-tick') return new Array<number>(rows).fill(1);
    if (life !== 'random-cuts') return [rows];
    const out: number[] = [];
    for (let left = rows; left > 0; left -= out.at(-1)!)
      out.push(Math.min(left, 1 + Math.floor(random.next() * 4)));
    return out;
  };
}

class EmbeddedHost implements Host {
  readonly #directory: string | null;
  #millrace: Millrace;

  private constructor(millrace: Millrace, directory: string | null) {
    this.#millrace = millrace;
    this.#directory = directory;
  }

  static async start(life: Life): Promise<EmbeddedHost> {
    const directory =
      life === 'restarts' || life === 'crashes' ? mkdtempSync(join(tmpdir(), 'millrace-script-')) : null;
    return new EmbeddedHost(await Millrace.start({ dataDirectory: directory }), directory);
  }

  execute(sql: string): Promise<void> {
    return this.#millrace.execute(sql);
  }

  query(sql: string): Promise<(readonly (string | null)[])[]> {
    return this.#millrace.query(sql);
  }

  async follow(sql: string): Promise<Followed> {
    const follower = await this.#millrace.follow(sql);
    return { consolidated: async () => consolidatedLines(follower.drain().changes) };
  }

  get clock(): NonNullable<Host['clock']> {
    return { now: () => this.#millrace.nowMs, advance: (ms) => this.#millrace.advance(ms) };
  }

  async restart(): Promise<void> {
    if (this.#directory === null) return;
    const { nowMs } = this.#millrace;
    await this.#millrace.stop();
    this.#millrace = await Millrace.start({ dataDirectory: this.#directory }, nowMs);
  }

  /** What a kill leaves: the files as they are now. */
  async crash(): Promise<void> {
    if (this.#directory === null) return;
    const { nowMs } = this.#millrace;
    const left = mkdtempSync(join(tmpdir(), 'millrace-crash-'));
    cpSync(this.#directory, left, { recursive: true });
    await this.#millrace.stop();
    rmSync(this.#directory, { recursive: true });
    cpSync(left, this.#directory, { recursive: true });
    rmSync(left, { recursive: true });
    this.#millrace = await Millrace.start({ dataDirectory: this.#directory }, nowMs);
  }

  async stop(): Promise<void> {
    await this.#millrace.stop();
    if (this.#directory !== null) rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** The real server, one for all scripts; each script has a schema of its own. */
class WireHost implements Host {
  static #server: Promise<TestServer> | null = null;
  static #schemas = 0;
  readonly #client: pg.Client;
  readonly #port: number;
  readonly #schema: string;
  readonly #followers: pg.Client[] = [];

  private constructor(client: pg.Client, port: number, schema: string) {
    this.#client = client;
    this.#port = port;
    this.#schema = schema;
  }

  static async start(): Promise<WireHost> {
    WireHost.#server ??= TestServer.start();
    const server = await WireHost.#server;
    const client = await connectTo(server.pgPort, 'script');
    const schema = `script_${++WireHost.#schemas}`;
    await client.query(`CREATE SCHEMA ${schema}`);
    await client.query(`SET search_path = ${schema}`);
    return new WireHost(client, server.pgPort, schema);
  }

  static async stopServer(): Promise<void> {
    await (await WireHost.#server)?.stop();
    WireHost.#server = null;
  }

  async execute(sql: string): Promise<void> {
    await this.#client.query(sql);
  }

  async query(sql: string): Promise<(readonly (string | null)[])[]> {
    const result = await this.#client.query({ text: sql, rowMode: 'array', types: AS_TEXT });
    return result.rows as (string | null)[][];
  }

  /** A connection of its own, whose rows are taken as they come. */
  async follow(sql: string): Promise<Followed> {
    const client = await connectTo(this.#port, 'script');
    this.#followers.push(client);
    await client.query(`SET search_path = ${this.#schema}`);
    const rows: Row[] = [];
    let failure: Error | null = null;
    const query = new pg.Query({ text: sql, rowMode: 'array', types: AS_TEXT } as pg.QueryConfig);
    query.on('row', (row) => rows.push(row as unknown as Row));
    const begun = new Promise<boolean>((resolve) => {
      const { connection } = client as unknown as { connection: EventEmitter };
      connection.once('rowDescription', ({ fields }: { fields: { name: string }[] }) =>
        resolve(fields[0]?.name === 'tick' && fields[1]?.name === 'diff'),
      );
      query.on('error', (error) => {
        failure = error;
        resolve(false);
      });
    });
    client.query(query);
    const enveloped = await begun;
    if (failure !== null) throw failure;
    const changes = (): Change[] =>
      rows.map((row) =>
        enveloped
          ? { tick: Number(row[0]), diff: Number(row[1]), row: row.slice(2) }
          : { tick: 0, diff: 1, row },
      );
    return { consolidated: (expected) => settled(() => consolidatedLines(changes()), expected) };
  }

  async restart(): Promise<void> {
    // one server serves all scripts
  }

  async crash(): Promise<void> {
    // likewise
  }

  async stop(): Promise<void> {
    for (const client of this.#followers) await client.end();
    await this.#client.end();
  }
}

const AS_TEXT = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig;

/** What has come when it is what was expected; else what has come after a long while. */
async function settled(
  lines: () => readonly string[],
  expected: readonly string[],
): Promise<readonly string[]> {
  const wanted = expected.join('\n');
  const same = (): boolean => {
    try {
      return lines().join('\n') === wanted;
    } catch {
      return false; // the rows of a tick have come in part
    }
  };
  await vi.waitUntil(same, { timeout: SETTLED_MS, interval: 5 }).catch(() => false);
  return lines();
}

const SETTLED_MS = 5_000;

export const stopScriptServer = (): Promise<void> => WireHost.stopServer();
