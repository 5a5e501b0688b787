/** Results on their way through the server: cursors, bounds, whole ticks, conflation. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Schema } from '../../common/types.ts';
import type { Batch } from '../../runtime/batch/column.ts';
import { buildColumn } from '../../runtime/batch/datum.ts';
import type { ResultEvent, ResultStream } from '../../runtime/engine-client.ts';
import type { LiveShape } from '../../server/session/outcome.ts';
import { unitWeights } from '../../server/session/presented-rows.ts';
import { ResultCursor } from '../../server/session/result-cursor.ts';
import { EngineRows } from '../../server/session/row-source.ts';
import { TickRows } from '../../server/session/tick-rows.ts';
import { Conflation } from '../../server/websocket/conflation.ts';

const SCHEMA: Schema = [
  { name: 'k', type: { name: 'int4' } },
  { name: 'v', type: { name: 'text' } },
];

function batchOf(rows: readonly (readonly [number, string | null, number])[]): Batch {
  return {
    rows: rows.length,
    columns: [
      buildColumn(
        SCHEMA[0]!.type,
        rows.map(([k]) => k),
      ),
      buildColumn(
        SCHEMA[1]!.type,
        rows.map(([, v]) => v),
      ),
    ],
    weights: Int32Array.from(rows, ([, , weight]) => weight),
  };
}

const rowsEvent = (
  tick: number,
  ...rows: readonly (readonly [number, string | null, number])[]
): ResultEvent => ({
  kind: 'rows',
  tick,
  batch: batchOf(rows),
  snapshot: false,
});

/** A stream whose events the test pushes. */
class Scripted implements ResultStream {
  readonly #events: ResultEvent[] = [];
  #waiting: ((event: ResultEvent | null) => void) | null = null;
  cancelled = false;
  pendingBytes = 0;

  push(event: ResultEvent): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) this.#events.push(event);
    else waiting(event);
  }
  poll(): ResultEvent | null {
    return this.#events.shift() ?? null;
  }
  next(): Promise<ResultEvent | null> {
    const ready = this.poll();
    if (ready !== null) return Promise.resolve(ready);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }
  cancel(): void {
    this.cancelled = true;
    this.#waiting?.(null);
  }
}

describe('results', () => {
  it('are given in portions, and end once', async () => {
    const stream = new Scripted();
    const cursor = new ResultCursor(new EngineRows(stream, false));
    expect(cursor.poll(2)).toBeNull();
    const ready = cursor.ready();
    stream.push(rowsEvent(1, [1, 'a', 1], [2, 'b', 1], [3, 'c', 1]));
    stream.push({ kind: 'end', tick: 1 });
    await ready;
    expect(cursor.poll(2)).toMatchObject({ from: 0, to: 2 });
    expect(cursor.poll(2)).toMatchObject({ from: 2, to: 3 });
    await cursor.ready();
    expect([cursor.poll(2), cursor.poll(2)]).toEqual([{ kind: 'end' }, { kind: 'end' }]);
  });

  it('of a continuous query end with 53400 when too much waits', () => {
    const stream = new Scripted();
    const source = new EngineRows(stream, true);
    stream.pendingBytes = 17 * 1024 * 1024;
    expect([source.checkBound(), stream.cancelled]).toEqual([true, true]);
    expect(() => source.poll()).toThrow(expect.objectContaining({ code: '53400' }));
  });

  it('throw the error of their query, again and again', () => {
    const stream = new Scripted();
    const source = new EngineRows(stream, false);
    stream.push({ kind: 'error', error: { code: '22012', message: 'division by zero' } });
    for (let i = 0; i < 2; i++) expect(() => source.poll()).toThrow('division by zero');
  });

  it('have rows of weight 1 and -1 only', () => {
    const { rows, weights } = unitWeights(
      batchOf([
        [1, 'a', 2],
        [2, 'b', -3],
        [3, 'c', 1],
        [4, 'd', 0],
      ]),
    );
    expect([rows, [...weights!]]).toEqual([6, [1, 1, -1, -1, -1, 1]]);
  });

  it('become upserts once their tick is whole', () => {
    const stream = new Scripted();
    const source = new TickRows(new EngineRows(stream, true), { schema: SCHEMA, upsertKey: [0], order: [] });
    stream.push(rowsEvent(4, [1, 'old', -1], [2, 'gone', -1]));
    stream.push(rowsEvent(4, [1, 'new', 1]));
    expect(source.poll()).toBeNull();
    stream.push({ kind: 'progress', tick: 4 });
    const event = source.poll();
    expect(event).toMatchObject({ kind: 'rows', tick: 4, deletes: Uint8Array.of(0, 1), batch: { rows: 2 } });
    expect(source.poll()).toEqual({ kind: 'progress', tick: 4 });
  });
});

describe('Conflation', () => {
  const shape: LiveShape = {
    columns: SCHEMA,
    envelope: 'diffs',
    enveloped: true,
    progress: false,
    key: [0],
    appendOnly: false,
  };

  it('gives the same final state in no more rows than were changed', () => {
    const change = fc.tuple(fc.nat(3), fc.constantFrom('a', 'b', 'c', null));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const state = new Map<number, string | null>();
        const conflation = new Conflation(shape, [0]);
        changes.forEach(([key, value], tick) => {
          const rows: [number, string | null, number][] = [];
          if (state.has(key)) rows.push([key, state.get(key)!, -1]);
          rows.push([key, value, 1]);
          state.set(key, value);
          conflation.add({ kind: 'rows', tick, batch: batchOf(rows), snapshot: false, deletes: null });
        });
        const { rows, diffs } = JSON.parse(conflation.take('x')) as {
          rows: [number, string | null][];
          diffs: number[];
        };
        const net = new Map<string, number>();
        for (const [i, row] of rows.entries()) {
          const text = JSON.stringify(row);
          net.set(text, (net.get(text) ?? 0) + diffs[i]!);
        }
        expect(new Map([...net].filter(([, count]) => count !== 0))).toEqual(
          new Map([...state].map(([key, value]) => [JSON.stringify([key, value]), 1])),
        );
        expect([rows.length, conflation.bytes, conflation.isEmpty]).toEqual([state.size, 0, true]);
      }),
    );
  });
});
