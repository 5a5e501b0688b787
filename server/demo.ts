/** What a first start shows: a stream of made-up posts, and its most used tags, live in the terminal. */
import type { WriteStream } from 'node:tty';
import { SqlError } from '../common/sql-error.ts';
import type { Schema } from '../common/types.ts';
import { formatDatum } from '../common/value-text.ts';
import type { Batch } from '../runtime/batch/column.ts';
import { readDatum } from '../runtime/batch/datum.ts';
import type { ServerContext } from './server-context.ts';
import { closeSession, OWNER, openSession } from './session/open-session.ts';
import type { RowsOutcome } from './session/outcome.ts';
import { nextEvent } from './session/row-source.ts';
import { NO_ARGUMENTS } from './session/arguments.ts';
import type { Session } from './session/session.ts';

const STREAM = `CREATE STREAM IF NOT EXISTS posts (
  at timestamptz NOT NULL, tag text, author bigint, likes int,
  WATERMARK FOR at AS at
) WITH (connector = 'generator', rate = '200', keys = '50')`;

const VIEW = `CREATE MATERIALIZED VIEW IF NOT EXISTS top_tags AS
  SELECT window_end, tag, count(*) AS posts, sum(likes) AS likes
  FROM HOP(posts, at, INTERVAL '1 second', INTERVAL '10 minutes')
  GROUP BY window_end, tag
  ORDER BY posts DESC, tag LIMIT 10 PER WINDOW
  EMIT ON WINDOW CLOSE`;

/** Where stdout is no terminal a window is shown only so often. */
const LINES_EVERY_WINDOWS = 10;

type Addresses = Readonly<{ pg: string; http: string }>;

export class Demo {
  readonly #context: ServerContext;
  readonly #addresses: Addresses;
  readonly #out: WriteStream & { readonly isTTY: boolean };
  readonly #session: Session;
  #linesDrawn = 0;
  #windows = 0;
  #failed = false;

  constructor(context: ServerContext, addresses: Addresses, out: WriteStream & { readonly isTTY: boolean }) {
    this.#context = context;
    this.#addresses = addresses;
    this.#out = out;
    this.#session = openSession(context, OWNER, () => {});
  }

  /** Makes stream and view, before anybody is told that the server is ready. Names that are taken are left alone. */
  prepare(): Promise<void> {
    return this.#unlessStopped(async () => {
      await this.#execute(STREAM);
      await this.#execute(VIEW);
    });
  }

  /** Shows them until the server stops. */
  async run(): Promise<void> {
    await this.#unlessStopped(async () => {
      this.#out.write(`${instructions(this.#addresses)}\n`);
      const outcome = await this.#execute('SUBSCRIBE TO top_tags WITH (SNAPSHOT = false, PROGRESS)');
      if (outcome.kind === 'rows') await this.#show(outcome);
    });
    closeSession(this.#session);
  }

  async #unlessStopped(work: () => Promise<void>): Promise<void> {
    if (this.#failed) return;
    try {
      await work();
    } catch (error) {
      this.#failed = true;
      if (this.#session.interrupt.raised !== null) return;
      if (!(error instanceof SqlError)) throw error;
      this.#context.log.warn({ code: error.code, reason: error.message }, 'the demo is not shown');
    }
  }

  stop(): void {
    this.#session.cancel();
  }

  async #execute(sql: string): ReturnType<Session['execute']> {
    const [statement] = this.#session.parse(sql);
    return this.#session.execute(statement!, NO_ARGUMENTS);
  }

  /** A window's rows may come in several batches: it is drawn when the tick is over. */
  async #show(outcome: RowsOutcome): Promise<void> {
    const { columns } = outcome.live!;
    let rows: (readonly string[])[] = [];
    for (;;) {
      const event = await this.#session.interrupt.wait(nextEvent(outcome.source));
      if (event.kind === 'end') return;
      if (event.kind === 'rows') rows.push(...rowTexts(event.batch, columns));
      if (event.kind !== 'progress' || rows.length === 0) continue;
      this.#draw(newestWindow(rows));
      rows = [];
    }
  }

  #draw(rows: readonly (readonly string[])[]): void {
    this.#windows++;
    if (!this.#out.isTTY) {
      if (this.#windows % LINES_EVERY_WINDOWS === 1) this.#out.write(`${summaryLine(rows)}\n`);
      return;
    }
    const lines = [
      `Top tags of the last 10 minutes, ${rows[0]?.[0] ?? ''}`,
      ...rows.map(
        ([, tag = '', posts = '', likes = '']) =>
          `  ${tag.padEnd(16)} ${posts.padStart(8)} posts ${likes.padStart(10)} likes`,
      ),
    ];
    // Up to where the last window was drawn, then over it.
    const up = this.#linesDrawn === 0 ? '' : `\u001b[${this.#linesDrawn}A`;
    this.#out.write(`${up}${lines.map((line) => `\u001b[2K${line}\n`).join('')}\u001b[J`);
    this.#linesDrawn = lines.length;
  }
}

function rowTexts(batch: Batch, columns: Schema): string[][] {
  return Array.from({ length: batch.rows }, (_, row) =>
    columns.map(({ type }, i) => {
      const datum = readDatum(batch.columns[i]!, row, type);
      return datum === null ? '' : formatDatum(datum, type);
    }),
  );
}

/** Rows of the window that ends last; ISO text in UTC sorts as time does. */
function newestWindow(rows: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const newest = rows.reduce((latest, [end = '']) => (end > latest ? end : latest), '');
  return rows.filter(([end]) => end === newest);
}

function summaryLine(rows: readonly (readonly string[])[]): string {
  const tags = rows.map(([, tag, posts]) => `${tag} ${posts}`).join(', ');
  return `top tags at ${rows[0]?.[0] ?? ''}: ${tags}`;
}

function instructions({ pg, http }: Addresses): string {
  const colon = pg.lastIndexOf(':');
  return `
Connect:
  psql -h ${pg.slice(0, colon)} -p ${pg.slice(colon + 1)} millrace          (or: npm run sql)
    SELECT window_end, count(*) FROM TUMBLE(posts, at, INTERVAL '1 second') GROUP BY window_end EMIT ON WINDOW CLOSE;
    SELECT * FROM top_tags WHERE window_end = (SELECT max(window_end) FROM top_tags);
  curl http://${http}/views/top_tags
  curl -N http://${http}/views/top_tags/live
  ws://${http}/ws  {"op":"subscribe","id":"a","sql":"SUBSCRIBE TO top_tags"}
  http://${http}/ in a browser
`;
}
