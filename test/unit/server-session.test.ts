/** Sessions without an engine: settings, transactions, the catalog as a block sees it; the command line. */
import { describe, expect, it } from 'vitest';
import { SqlError } from '../../common/sql-error.ts';
import type { TableDefinition } from '../../runtime/plan/relation.ts';
import { CatalogView, OidAllocator } from '../../server/catalog.ts';
import { SAVEPOINTS_MAX, SETTING_CHANGES_MAX, SETTING_CHARACTERS_MAX } from '../../server/limits.ts';
import { verifyChanges } from '../../server/session/commit.ts';
import { Interrupt } from '../../server/session/interrupt.ts';
import { parseNameList, SessionSettings } from '../../server/session/settings.ts';
import { Transaction } from '../../server/session/transaction.ts';
import { Configuration } from '../../server/settings/configuration.ts';
import { StatementBuffer } from '../../server/shell/statement-buffer.ts';

describe('SessionSettings', () => {
  const open = (): { settings: SessionSettings; reports: string[] } => {
    const reports: string[] = [];
    return {
      settings: new SessionSettings(Configuration.read([], {})!.sessionDefaults, (name, value) =>
        reports.push(`${name}=${value}`),
      ),
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
    ['password_encryption', 'md5', '0A000'],
    ['array_nulls', 'off', '0A000'],
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

  it('ends a SET LOCAL of before a savepoint with its block, although a plain SET came and went since', () => {
    const { settings } = open();
    settings.beginBlock();
    settings.set('a.b', '1', true);
    const mark = settings.mark();
    settings.set('a.b', '2');
    settings.restoreTo(mark);
    expect(settings.show('a.b')).toBe('1');
    settings.endBlock(true);
    expect(() => settings.show('a.b')).toThrow('unrecognized');
  });

  it('keeps of a block one value of each name between two savepoints, and no more of them than it may', () => {
    const { settings } = open();
    settings.beginBlock();
    for (let i = 0; i < 2 * SETTING_CHANGES_MAX; i++) settings.set('a.b', `${i}`);
    for (let i = 1; i < SETTING_CHANGES_MAX; i++) {
      settings.mark();
      settings.set('a.b', `again ${i}`);
    }
    settings.mark();
    expect(() => settings.set('a.b', 'once more')).toThrow(expect.objectContaining({ code: '54000' }));
    settings.endBlock(false);
    expect(() => settings.show('a.b')).toThrow('unrecognized');
  });

  it('takes no endless value, and forgets those of own names with RESET ALL', () => {
    const { settings } = open();
    const long = 'x'.repeat(SETTING_CHARACTERS_MAX + 1);
    for (const name of ['a.b', 'search_path', 'application_name'])
      expect(() => settings.set(name, long)).toThrow(expect.objectContaining({ code: '54000' }));
    settings.set('app.tenant', 'acme');
    settings.resetAll(false);
    expect(settings.show('app.tenant')).toBe('');
  });

  it('reads lists of names', () => {
    expect(parseNameList('"$user", Public,"a""b,c" , x')).toEqual(['$user', 'public', 'a"b,c', 'x']);
    expect(parseNameList('')).toEqual([]);
    expect(parseNameList('"unclosed')).toEqual([]);
  });
});

const FIRST = { changes: 0, local: [] };
const SECOND = { changes: 5, local: [] };

describe('Transaction', () => {
  it('goes back to savepoints, the innermost of a name first', () => {
    const transaction = new Transaction(false, 0);
    transaction.statements = 1;
    transaction.savepoint('a', { settings: FIRST, portals: 0 });
    transaction.statements = 2;
    transaction.savepoint('a', { settings: SECOND, portals: 1 });
    transaction.statements = 3;
    transaction.failed = true;
    expect(transaction.rollbackTo('a')).toEqual({ settings: SECOND, portals: 1 });
    expect([transaction.failed, transaction.statements]).toEqual([false, 2]);
    transaction.release('a');
    expect(transaction.rollbackTo('a')).toEqual({ settings: FIRST, portals: 0 });
    expect(transaction.statements).toBe(1);
    expect(() => transaction.release('b')).toThrow(expect.objectContaining({ code: '3B001' }));
  });

  it('has no endless number of savepoints', () => {
    const transaction = new Transaction(false, 0);
    const save = (): void => transaction.savepoint('a', { settings: FIRST, portals: 0 });
    for (let i = 0; i < SAVEPOINTS_MAX; i++) save();
    expect(save).toThrow(expect.objectContaining({ code: '54000' }));
    transaction.release('a');
    expect(save).not.toThrow();
  });
});

describe('CatalogView', () => {
  const table = (oid: number, name: string): TableDefinition => ({
    kind: 'table',
    oid,
    schema: 'public',
    name,
    comment: null,
    owner: 10,
    access: null,
    rowSecurity: null,
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
