/**
 * The lives of a script: as written, a row a tick, random cuts, with restarts, over the wire. The consolidated answers
 * are the same in all.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { createRandom } from '../../common/random.ts';
import { consolidateChanges, Millrace, type Follower } from './millrace.ts';
import { parseScript, shown, type ScriptRecord } from './script.ts';
import { TestServer } from './server.ts';

export const LIVES = ['as-written', 'row-a-tick', 'random-cuts', 'restarts', 'wire'] as const;
export type Life = (typeof LIVES)[number];

/** What a life must be able to do. */
interface Host {
  execute(sql: string): Promise<void>;
  query(sql: string): Promise<(readonly (string | null)[])[]>;
  /** null: this life does not follow queries */
  follow(sql: string): Promise<Follower> | null;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export class ScriptError extends Error {}

export async function runScript(source: string, life: Life, seed: number): Promise<number> {
  const host = life === 'wire' ? await WireHost.start() : await EmbeddedHost.start(life);
  const cut = cuts(life, seed);
  const followers = new Map<string, Follower>();
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
      if (life === 'restarts' && record.kind === 'feed' && followers.size === 0) await host.restart();
    }
  } finally {
    await host.stop();
  }
  return statements;
}

async function runRecord(
  record: ScriptRecord,
  host: Host,
  followers: Map<string, Follower>,
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
    case 'changes': {
      const follower = host.follow(record.sql);
      if (follower !== null) followers.set(record.name, await follower);
      return;
    }
    case 'consolidated': {
      const follower = followers.get(record.name);
      if (follower === undefined) return;
      const rows = consolidateChanges(follower.drain().changes.map((c) => ({ ...c, row: c.row.map(shown) })));
      return expectRows(rows, record.rows.toSorted());
    }
    case 'restart':
      return host.restart();
  }
}

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
    const directory = life === 'restarts' ? mkdtempSync(join(tmpdir(), 'millrace-script-')) : null;
    return new EmbeddedHost(await Millrace.start({ dataDirectory: directory }), directory);
  }

  execute(sql: string): Promise<void> {
    return this.#millrace.execute(sql);
  }

  query(sql: string): Promise<(readonly (string | null)[])[]> {
    return this.#millrace.query(sql);
  }

  follow(sql: string): Promise<Follower> {
    return this.#millrace.follow(sql);
  }

  async restart(): Promise<void> {
    if (this.#directory === null) return;
    await this.#millrace.stop();
    this.#millrace = await Millrace.start({ dataDirectory: this.#directory });
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

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  static async start(): Promise<WireHost> {
    WireHost.#server ??= TestServer.start();
    const server = await WireHost.#server;
    const client = new pg.Client({
      host: '127.0.0.1',
      port: server.pgPort,
      user: 'script',
      database: 'millrace',
    });
    await client.connect();
    const schema = `script_${++WireHost.#schemas}`;
    await client.query(`CREATE SCHEMA ${schema}`);
    await client.query(`SET search_path = ${schema}`);
    return new WireHost(client);
  }

  static async stopServer(): Promise<void> {
    await (await WireHost.#server)?.stop();
    WireHost.#server = null;
  }

  async execute(sql: string): Promise<void> {
    await this.#client.query(sql);
  }

  async query(sql: string): Promise<(readonly (string | null)[])[]> {
    const text = { getTypeParser: () => (value: string) => value };
    const result = await this.#client.query({ text: sql, rowMode: 'array', types: text as never });
    return result.rows as (string | null)[][];
  }

  follow(): null {
    return null;
  }

  async restart(): Promise<void> {
    // one server serves all scripts
  }

  stop(): Promise<void> {
    return this.#client.end();
  }
}

export const stopScriptServer = (): Promise<void> => WireHost.stopServer();
