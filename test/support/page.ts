/**
 * Pages whose examples run. A ```sql block is run statement by statement; a ```text block after it is what the last
 * query gave: a header line, then the rows, cells separated by ` | `, NULL as NULL, `…` for what differs from run to
 * run. Without ORDER BY the order is free. `ERROR:  text` says that the last statement fails with it. A continuous query
 * goes on beside what follows, and the next ```text block is what came of it.
 */
import type pg from 'pg';
import { connectTo } from './server.ts';
import { loadPlanner } from '../../planner/planner.ts';
import { parseStatements } from '../../planner/parse/parse.ts';

export type PageBlock = Readonly<{ language: 'sql' | 'text'; text: string; line: number }>;

export function blocksOf(page: string): PageBlock[] {
  const out: PageBlock[] = [];
  const lines = page.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const [, language] = /^```(sql|text)$/.exec(lines[at]!) ?? [];
    if (language === undefined) continue;
    const end = lines.indexOf('```', at);
    out.push({
      language: language as 'sql' | 'text',
      text: lines.slice(at + 1, end).join('\n'),
      line: at + 1,
    });
    at = end;
  }
  return out;
}

type Answer = Readonly<{ columns: readonly string[]; rows: readonly (string | null)[][] }>;
/** What the next text block speaks of. */
type Last =
  | Readonly<{ kind: 'answer'; answer: Answer; sql: string }>
  | Readonly<{ kind: 'error'; message: string }>
  | null;

const CONTINUOUS = /^\s*SUBSCRIBE\b|^\s*(SELECT|WITH)\b[\s\S]*\bEMIT\s+(ON\s+WINDOW|CHANGES|EVERY)\b/i;
const ANY = '…';
const PATIENCE_MS = 400;

export class PageRun {
  readonly #client: pg.Client;
  readonly #port: number;
  #following: Following | null = null;
  #last: Last = null;
  #statements = 0;

  private constructor(client: pg.Client, port: number) {
    this.#client = client;
    this.#port = port;
  }

  static async start(port: number): Promise<PageRun> {
    await loadPlanner();
    return new PageRun(await connectTo(port, 'docs'), port);
  }

  /** Runs the page; gives how many statements it has. */
  async run(blocks: readonly PageBlock[]): Promise<number> {
    for (const [i, block] of blocks.entries()) {
      try {
        const fails = blocks[i + 1]?.language === 'text' && blocks[i + 1]!.text.startsWith('ERROR:');
        if (block.language === 'sql') await this.#runBlock(block, fails);
        else await this.#check(block.text);
      } catch (error) {
        throw new Error(`line ${block.line}: ${(error as Error).message}`, { cause: error });
      }
    }
    return this.#statements;
  }

  async stop(): Promise<void> {
    await this.#following?.stop();
    await this.#client.query('ROLLBACK');
    for (const kind of ['SINK', 'MATERIALIZED VIEW', 'VIEW', 'TABLE', 'STREAM']) {
      const { rows } = await this.#client.query<{ schema: string; name: string }>(`SHOW ${kind}S`);
      const names = rows.filter((r) => r.schema === 'public').map((r) => r.name);
      for (const name of names) await this.#client.query(`DROP ${kind} IF EXISTS "${name}" CASCADE`);
    }
    await this.#client.end();
  }

  async #runBlock(block: PageBlock, fails: boolean): Promise<void> {
    const texts = parseStatements(block.text).map((s) => s.text.trim());
    for (const [i, text] of texts.entries()) {
      this.#statements++;
      if (fails && i === texts.length - 1) this.#last = await this.#failure(text);
      else if (CONTINUOUS.test(text)) {
        await this.#following?.stop();
        this.#following = await Following.start(this.#port, text);
        this.#last = null;
      } else await this.#runOne(text);
    }
  }

  async #runOne(sql: string): Promise<void> {
    const answer = answerOf(await this.#client.query({ text: sql, rowMode: 'array', types: TEXT }));
    if (answer.columns.length > 0) this.#last = { kind: 'answer', answer, sql };
  }

  async #failure(sql: string): Promise<Last> {
    try {
      await this.#client.query(sql);
    } catch (error) {
      return { kind: 'error', message: (error as Error).message };
    }
    throw new Error('did not fail');
  }

  async #check(text: string): Promise<void> {
    const last = this.#last;
    if (last?.kind === 'error') {
      const [, wanted] = /^ERROR:\s+(.*)/.exec(text) ?? [];
      if (last.message !== wanted) throw new Error(`failed with "${last.message}"`);
      return;
    }
    if (last !== null) return compare(text, last.answer, /\bORDER\s+BY\b|^\s*EXPLAIN\b/i.test(last.sql));
    if (this.#following === null) throw new Error('nothing to compare with');
    compare(text, await this.#following.take(), false);
  }
}

/** A continuous query on a connection of its own, read through a cursor. */
class Following {
  readonly #client: pg.Client;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  static async start(port: number, sql: string): Promise<Following> {
    const client = await connectTo(port, 'docs');
    await client.query('BEGIN');
    await client.query(`DECLARE follow CURSOR FOR ${sql}`);
    return new Following(client);
  }

  async take(): Promise<Answer> {
    const fetch = `FETCH ALL FROM follow WITH (timeout = '${PATIENCE_MS}ms')`;
    return answerOf(await this.#client.query({ text: fetch, rowMode: 'array', types: TEXT }));
  }

  stop(): Promise<void> {
    return this.#client.end();
  }
}

const TEXT = { getTypeParser: () => (value: string) => value } as unknown as typeof pg.types;

const answerOf = (result: pg.QueryArrayResult): Answer => ({
  columns: result.fields.map((f) => f.name),
  rows: result.rows as (string | null)[][],
});

function compare(text: string, answer: Answer, ordered: boolean): void {
  const [header, ...expected] = text.split('\n').map((l) => l.trimEnd());
  const actual = answer.rows.map((row) =>
    row
      .map((v) => v ?? 'NULL')
      .join(' | ')
      .trimEnd(),
  );
  const shown = `gave\n${[answer.columns.join(' | '), ...actual].join('\n')}`;
  if (header !== answer.columns.join(' | ') || expected.length !== actual.length) throw new Error(shown);
  const left = [...actual];
  for (const line of expected) {
    const at = ordered ? 0 : left.findIndex((l) => agrees(line, l));
    if (at < 0 || !agrees(line, left[at]!)) throw new Error(shown);
    left.splice(at, 1);
  }
}

/** `…` stands for any text within a cell. */
function agrees(wanted: string, actual: string): boolean {
  const pieces = wanted.split(ANY);
  if (pieces.length === 1) return wanted === actual;
  let from = 0;
  for (const [i, piece] of pieces.entries()) {
    const at = i === pieces.length - 1 ? actual.length - piece.length : actual.indexOf(piece, from);
    if (at < from || (i === 0 && at !== 0) || !actual.startsWith(piece, at)) return false;
    from = at + piece.length;
  }
  return true;
}
