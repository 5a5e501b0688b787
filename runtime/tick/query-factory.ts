/** Makes running queries: their feeds, and where their late, rejected rows and notices go. */
import type { SqlError } from '../../common/sql-error.ts';
import type { QueryContext } from '../dstream/dstream.ts';
import type { Scan } from '../dstream/scan.ts';
import type { Oid, StreamDefinition } from '../plan/relation.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { AbsentSource } from '../source/absent-source.ts';
import { createSource } from '../source/create-source.ts';
import type { Source } from '../source/source.ts';
import { GroupSharing } from '../state/shared-groups.ts';
import type { StateReader } from '../state/state-codec.ts';
import { ContinuousQuery, type Feed } from './continuous-query.ts';
import type { EngineState } from './engine-state.ts';
import { PrivateFeed, streamFeed, tableFeed, viewFeed } from './feeds.ts';
import { columnsRead, isReadPerQuery } from './input-row.ts';
import { rowToText } from './kept-rows.ts';
import type { ResultChannel } from './result-channel.ts';
import type { StreamRuntime } from './stream-runtime.ts';

const nothing = (): void => undefined;

export class QueryFactory {
  readonly #state: EngineState;
  readonly #sharing = new GroupSharing();
  /** files read for one query alone */
  readonly privateFeeds = new Set<PrivateFeed>();
  /** At a start: where a stream's connector had come to. */
  savedSource: (stream: Oid) => StateReader | null = () => null;

  /** At a start: connectors that can't be reached (a file that is gone). They do not keep the rest down; else null. */
  absent: { stream: string; error: Error }[] | null = null;

  constructor(state: EngineState) {
    this.#state = state;
  }

  /** `name`: of the view or sink, null for an inline query; its reader hears notices. */
  create(plan: QueryPlan, name: string | null, reader: ResultChannel | null): ContinuousQuery {
    const failure: { query: ContinuousQuery | null } = { query: null };
    const fail = (error: SqlError): void => {
      if (failure.query !== null) failure.query.failed ??= error;
    };
    const query = new ContinuousQuery({
      plan,
      feedOf: (scan) => this.#feedOf(scan),
      context: this.#context(plan, name, reader, fail),
      sharing: this.#sharing,
      now: () => this.#state.tick.time,
    });
    failure.query = query;
    return query;
  }

  /** The stream's own connector, shared by all who read it. */
  attach(stream: StreamRuntime): void {
    const source = this.#source(stream.definition, null);
    const saved = this.savedSource(stream.definition.oid);
    if (saved !== null) source.load(saved);
    stream.sources.add(source);
  }

  #context(
    plan: QueryPlan,
    name: string | null,
    reader: ResultChannel | null,
    fail: (e: SqlError) => void,
  ): QueryContext {
    const state = this.#state;
    let noticed = false;
    return {
      reject: (error, schema, batch, row) => {
        state.reject(name ?? 'query', error, null, rowToText(schema, batch, row));
        if (plan.onError === 'fail') fail(error);
        if (noticed) return;
        noticed = true;
        const message = `a row was left out: ${error.message}`;
        const hint = 'See millrace.rejected_rows.';
        reader?.push({ kind: 'notice', severity: 'WARNING', code: error.code, message, hint }, 0);
      },
      late: (time, watermark, schema, batch, row) => {
        state.late.note({ view: name, at: time, lateBy: watermark - time, schema, batch, row });
      },
      notice: (code, message, hint) => {
        const words = hint === undefined ? {} : { hint };
        reader?.push({ kind: 'notice', severity: 'NOTICE', code, message, ...words }, 0);
      },
    };
  }

  #feedOf(scan: Scan): Feed {
    const { relation } = scan.node;
    const { relations, now } = this.#state;
    const table = relations.tables.get(relation);
    if (table !== undefined) return tableFeed(table);
    const view = relations.views.get(relation);
    if (view !== undefined) return viewFeed(view.view);
    const stream = relations.stream(relation);
    const { source } = stream.definition;
    if (isReadPerQuery(stream.definition)) return this.#privateFeed(stream, scan);
    if (source.connector !== 'log' && stream.connector === undefined) this.attach(stream);
    return streamFeed(stream, now, nothing);
  }

  #privateFeed(stream: StreamRuntime, scan: Scan): PrivateFeed {
    const source = this.#source(stream.definition, columnsRead(stream.definition, scan.node.columns));
    const feed = new PrivateFeed(stream, source, this.#state.reject);
    const close = feed.close.bind(feed);
    feed.close = () => {
      this.privateFeeds.delete(feed);
      close();
    };
    this.privateFeeds.add(feed);
    return feed;
  }

  #source(definition: StreamDefinition, used: ReadonlySet<number> | null): Source {
    try {
      const source = createSource(definition, used, this.#state.options, this.#state.secrets);
      source.onReady(() => this.#state.wake());
      return source;
    } catch (error) {
      if (this.absent === null) throw error;
      this.absent.push({ stream: definition.name, error: error as Error });
      return new AbsentSource();
    }
  }
}
