/** Parts of the server that need no engine. */
import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SqlError } from '../../common/sql-error.ts';
import type { Schema } from '../../common/types.ts';
import type { Batch } from '../../runtime/batch/column.ts';
import { buildColumn } from '../../runtime/batch/datum.ts';
import type { ResultEvent, ResultStream } from '../../runtime/engine-client.ts';
import type { TableDefinition } from '../../runtime/plan/relation.ts';
import { CatalogView, OidAllocator } from '../../server/catalog.ts';
import { readConfig } from '../../server/config.ts';
import { parameterText, parseExactJson } from '../../server/http/exact-json.ts';
import { requestGuard } from '../../server/http/request-guard.ts';
import { verifyChanges } from '../../server/session/commit.ts';
import { Interrupt } from '../../server/session/interrupt.ts';
import type { LiveShape } from '../../server/session/outcome.ts';
import { unitWeights } from '../../server/session/presented-rows.ts';
import { ResultCursor } from '../../server/session/result-cursor.ts';
import { EngineRows } from '../../server/session/row-source.ts';
import { parseNameList, SessionSettings } from '../../server/session/settings.ts';
import { TickRows } from '../../server/session/tick-rows.ts';
import { Transaction } from '../../server/session/transaction.ts';
import { StatementBuffer } from '../../server/shell/statement-buffer.ts';
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

describe('SessionSettings', () => {
  const open = (): { settings: SessionSettings; reports: string[] } => {
    const reports: string[] = [];
    return {
      settings: new SessionSettings(new Map(), (name, value) => reports.push(`${name}=${value}`)),
      reports,
    };
  };

  it.each([
    ['statement_timeout', '1500', '1500ms'],
    ['statement_timeout', '2min', '2min'],
    ['statement_timeout', '120000', '2min'],
    ['DateStyle', 'German', 'German, DMY'],
    ['datestyle', 'sql, european', 'SQL, DMY'],
    ['enable_seqscan', 'of', 'off'],
    ['transaction_isolation', 'read committed', 'repeatable read'],
    ['client_encoding', 'utf-8', 'UTF8'],
    ['bytea_output', 'ESCAPE', 'escape'],
  ])('%s = %s is shown as %s', (name, value, shown) => {
    const { settings } = open();
    settings.set(name, value);
    expect(settings.show(name)).toBe(shown);
  });

  it.each([
    ['statement_timeout', '1 parsec', '22023'],
    ['enable_seqscan', 'o', '22023'],
    ['DateStyle', 'ISO, nonsense', '22023'],
    ['extra_float_digits', '4', '22023'],
    ['server_version', '1', '55P02'],
    ['millrace.tick_interval', '1ms', '55P02'],
    ['standard_conforming_strings', 'off', '0A000'],
    ['nosuch', '1', '42704'],
    ['millrace.nosuch', '1', '42704'],
  ])('%s = %s is %s', (name, value, code) => {
    expect(() => open().settings.set(name, value)).toThrow(expect.objectContaining({ code }));
  });

  it('undoes SET with its block, SET LOCAL at the end of it, and tells the client', () => {
    const { settings, reports } = open();
    settings.beginBlock();
    settings.set('TimeZone', 'Asia/Tokyo');
    settings.endBlock(false);
    settings.beginBlock();
    settings.set('TimeZone', 'Europe/Paris', true);
    settings.set('application_name', 'kept');
    settings.endBlock(true);
    expect(reports).toEqual([
      'TimeZone=Asia/Tokyo',
      'TimeZone=UTC',
      'TimeZone=Europe/Paris',
      'application_name=kept',
      'TimeZone=UTC',
    ]);
  });

  it('keeps a plain SET after a SET LOCAL, and goes back to a savepoint', () => {
    const { settings } = open();
    settings.beginBlock();
    settings.set('a.b', '1', true);
    settings.set('a.b', '2');
    const mark = settings.mark();
    settings.set('a.b', '3');
    settings.restoreTo(mark);
    settings.endBlock(true);
    expect(settings.show('a.b')).toBe('2');
  });

  it('reads lists of names', () => {
    expect(parseNameList('"$user", Public,"a""b,c" , x')).toEqual(['$user', 'public', 'a"b,c', 'x']);
    expect(parseNameList('')).toEqual([]);
    expect(parseNameList('"unclosed')).toEqual([]);
  });
});

describe('Transaction', () => {
  it('goes back to savepoints, the innermost of a name first', () => {
    const transaction = new Transaction(false, 0);
    transaction.statements = 1;
    transaction.savepoint('a', 0);
    transaction.statements = 2;
    transaction.savepoint('a', 5);
    transaction.statements = 3;
    transaction.failed = true;
    expect(transaction.rollbackTo('a')).toBe(5);
    expect([transaction.failed, transaction.statements]).toEqual([false, 2]);
    transaction.release('a');
    expect(transaction.rollbackTo('a')).toBe(0);
    expect(transaction.statements).toBe(1);
    expect(() => transaction.release('b')).toThrow(expect.objectContaining({ code: '3B001' }));
  });
});

describe('CatalogView', () => {
  const table = (oid: number, name: string): TableDefinition => ({
    kind: 'table',
    oid,
    schema: 'public',
    name,
    comment: null,
    columns: [],
    primaryKey: [],
    changelog: { ageMicros: null, bytes: null, none: false },
  });
  const create = (object: TableDefinition) => ({ kind: 'create', object, replaces: null }) as const;

  it('shows a block its own changes, and leaves the committed state alone', () => {
    const committed = new CatalogView([table(1, 'a')], 7, new OidAllocator(10));
    const mine = committed.with([create(table(2, 'b')), { kind: 'drop', oids: [1] }], -1);
    expect([mine.relation('public', 'a'), mine.relation('public', 'b')?.oid]).toEqual([undefined, 2]);
    expect([committed.relation('public', 'a')?.oid, committed.relation('public', 'b')]).toEqual([
      1,
      undefined,
    ]);
    expect([mine.allocateOid(), committed.allocateOid()]).toEqual([10, 11]);
  });

  it('refuses changes that another session made impossible', () => {
    const current = new CatalogView([table(1, 'a')], 7, new OidAllocator(10));
    expect(() => verifyChanges(current, [create(table(2, 'a'))])).toThrow(
      expect.objectContaining({ code: '42P07' }),
    );
    expect(() => verifyChanges(current, [{ kind: 'drop', oids: [9] }])).toThrow(
      expect.objectContaining({ code: '40001' }),
    );
    verifyChanges(current, [{ kind: 'drop', oids: [1] }, create(table(2, 'a'))]);
  });
});

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

describe('Interrupt', () => {
  const cancelled = new SqlError('57014', 'cancelled');

  it('ends a wait, and stays raised until cleared', async () => {
    const interrupt = new Interrupt();
    const wait = interrupt.wait(new Promise(() => {}));
    interrupt.raise(cancelled);
    await expect(wait).rejects.toBe(cancelled);
    await expect(interrupt.wait(Promise.resolve(1))).rejects.toBe(cancelled);
    interrupt.clear();
    expect(await interrupt.wait(Promise.resolve(1))).toBe(1);
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

describe('JSON of clients', () => {
  it('keeps the digits of numbers', () => {
    const value = parseExactJson('{"a":[9007199254740993,1.10,1e2,5,-0.1,"x",null,true]}') as {
      a: unknown[];
    };
    expect(JSON.stringify(value)).toBe('{"a":[9007199254740993,1.10,1e2,5,-0.1,"x",null,true]}');
    expect(value.a.map(parameterText)).toEqual([
      '9007199254740993',
      '1.10',
      '1e2',
      '5',
      '-0.1',
      'x',
      null,
      'true',
    ]);
    expect(parameterText([['a"b', null], [1]])).toBe('{{"a\\"b",NULL},{"1"}}');
    expect(parameterText({ a: 1 })).toBe('{"a":1}');
    expect(() => parseExactJson('{')).toThrow(expect.objectContaining({ code: '22P02' }));
  });
});

describe('requestGuard', () => {
  const request = (headers: Record<string, string>): IncomingMessage =>
    ({ headers }) as unknown as IncomingMessage;

  it.each([
    [{ host: '127.0.0.1:8080' }, true],
    [{ host: 'localhost' }, true],
    [{ host: '[::1]:8080' }, true],
    [{ host: '127.0.0.1:8080', origin: 'http://127.0.0.1:8080' }, true],
    [{ host: '127.0.0.1:8080', origin: 'http://127.0.0.1:9999' }, false],
    [{ host: '127.0.0.1:8080', origin: 'http://127.0.0.1:8080.evil.example' }, false],
    [{ host: 'evil.example:8080' }, false],
    [{ host: '10.0.0.1' }, false],
    [{ host: 'localhost:80@evil.example' }, false],
    [{}, false],
  ])('%j: %s', (headers, allowed) => {
    expect(requestGuard('127.0.0.1', false)(request(headers as Record<string, string>))).toBe(allowed);
  });

  it('takes any address where the server is open', () => {
    const guard = requestGuard('0.0.0.0', true);
    expect([guard(request({ host: '10.0.0.1:8080' })), guard(request({ host: 'evil.example' }))]).toEqual([
      true,
      false,
    ]);
  });
});

describe('StatementBuffer', () => {
  it.each([
    [['SELECT 1; SELECT 2;'], ['SELECT 1', 'SELECT 2']],
    [["SELECT ';", "';"], ["SELECT ';\n'"]],
    [['SELECT $$ ; $$;'], ['SELECT $$ ; $$']],
    [['SELECT $a$ $$;$$ $a$;'], ['SELECT $a$ $$;$$ $a$']],
    [['SELECT /* ; /* ; */ ; */ 1;'], ['SELECT /* ; /* ; */ ; */ 1']],
    [['SELECT 1 -- ;', ';'], ['SELECT 1 -- ;']],
    [["SELECT E'\\';';"], ["SELECT E'\\';'"]],
    [['SELECT "a;b";', ';;'], ['SELECT "a;b"']],
    [['SELECT $1;'], ['SELECT $1']],
  ])('%j', (lines, statements) => {
    const buffer = new StatementBuffer();
    expect(lines.flatMap((line) => buffer.add(line))).toEqual(statements);
    expect(buffer.isEmpty).toBe(true);
  });
});

describe('readConfig', () => {
  it('prefers flags to variables', () => {
    const config = readConfig(['--pg-port', '1'], {
      MILLRACE_PG_PORT: '2',
      MILLRACE_HTTP_PORT: '3',
      MILLRACE_NO_DEMO: '1',
    });
    expect(config).toMatchObject({
      pgPort: 1,
      httpPort: 3,
      demo: false,
      host: '127.0.0.1',
      dataDirectory: './data',
    });
    expect(readConfig(['--help'], {})).toBeNull();
  });

  it.each([
    [['--host', '0.0.0.0'], {}],
    [['extra'], {}],
    [[], { MILLRACE_TICK_INTERVAL: 'soon' }],
    [[], { MILLRACE_MEMORY_LIMIT: '1MB' }],
    [[], { MILLRACE_WAL_SYNC: 'maybe' }],
  ])('refuses %j %j', (flags, variables) => {
    expect(() => readConfig(flags, variables as Record<string, string>)).toThrow(
      expect.objectContaining({ name: 'ConfigError' }),
    );
  });
});
