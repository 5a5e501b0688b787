/** The parse layer: tokens, statement splitting, stream clauses, positions, and a grammar that survives anything. */
import { scanSync } from 'libpg-query';
import { beforeAll, describe, expect, it } from 'vitest';
import { SqlError } from '../../common/sql-error.ts';
import { syntaxOf } from '../../planner/parse/parse.ts';
import type { StatementSyntax } from '../../planner/parse/statement-syntax.ts';
import { tokenize } from '../../planner/parse/token.ts';
import { loadPlanner, parseStatements } from '../../planner/planner.ts';
import { TYPED } from '../plan/oracle-corpus.ts';

beforeAll(loadPlanner);

type Postgres = Extract<StatementSyntax, { kind: 'postgres' }>;

function parseOne(sql: string): Postgres {
  const [statement] = parseStatements(sql);
  const syntax = statement === undefined ? undefined : syntaxOf(statement);
  if (syntax?.kind !== 'postgres') throw new Error(`not PostgreSQL's: ${sql}`);
  return syntax;
}

function errorOf(sql: string): SqlError {
  try {
    parseStatements(sql);
  } catch (error) {
    if (error instanceof SqlError) return error;
    throw error;
  }
  throw new Error(`no error: ${sql}`);
}

describe('tokens', () => {
  const samples = [
    ...TYPED,
    `select 'it''s', E'a\\'b', $$x;y$$, $tag$ $$ $tag$, U&'\\0041', "a""b", U&"d\\0061t" /* a /* b */ c */ , 1.5e-3 -- end`,
    'a=>b<>c!=d::e||f->>g @> h ~~* i -1 +2 <= 3',
    'x.y.z[1:2] $1 $22 0x1F 1_000 .5 5. _a a$b',
    `e'a' b'01' x'ff' 'a' -- c\n, 'b'`,
  ];

  it.each(samples)('are cut as PostgreSQL cuts them: %s', (sql) => {
    const theirs = scanSync(sql)
      .tokens.filter((t) => !t.tokenName.includes('COMMENT'))
      .map((t) => t.text);
    expect(tokenize(sql).map((t) => sql.slice(t.start, t.end))).toEqual(theirs);
  });
});

describe('statements', () => {
  it('are split at semicolons outside strings, comments and dollar quotes', () => {
    const sql = `SELECT ';' ; -- a;b\n SELECT $$;$$ AS "x;y" ;; /* ; */ SELECT 3`;
    const parts = parseStatements(sql);
    expect(parts.map((p) => p.text)).toEqual([`SELECT ';'`, `SELECT $$;$$ AS "x;y"`, 'SELECT 3']);
    expect(parts.map((p) => sql.slice(p.offset, p.offset + 6))).toEqual(['SELECT', 'SELECT', 'SELECT']);
  });

  it('may be none', () => {
    expect(parseStatements('')).toEqual([]);
    expect(parseStatements(' ;; -- nothing\n')).toEqual([]);
  });

  it('know their parameters', () => {
    expect(parseStatements(`SELECT $2, '$9', $1`)[0]?.parameterCount).toBe(2);
    expect(parseStatements(`SELECT 1 FROM a; SELECT $3 EMIT CHANGES`).map((p) => p.parameterCount)).toEqual([
      0, 3,
    ]);
  });

  it('say whether they end a transaction', () => {
    const ends = parseStatements('COMMIT; ROLLBACK; ROLLBACK TO x; SAVEPOINT x; BEGIN').map(
      (p) => p.endsTransaction,
    );
    expect(ends).toEqual([true, true, true, false, false]);
  });
});

describe('stream clauses', () => {
  it('EMIT is a clause only before its words', () => {
    expect(parseOne('SELECT * FROM t emit').clauses.emit).toBeNull();
    expect(parseOne('SELECT * FROM t AS emit').clauses.emit).toBeNull();
    expect(parseOne('SELECT emit.a FROM a emit JOIN b ON emit.x = b.x').clauses.emit).toBeNull();
    expect(parseOne('SELECT * FROM t EMIT CHANGES').clauses.emit?.mode).toBe('changes');
    expect(parseOne('SELECT * FROM t emit EMIT ON WINDOW CLOSE').clauses.emit?.mode).toBe('close');
    expect(parseOne(`SELECT * FROM t EMIT EVERY '2 s' WITH (late = 'drop')`).clauses.emit).toMatchObject({
      mode: 'every',
      period: { kind: 'text', text: '2 s' },
      options: [{ name: 'late', value: 'drop' }],
    });
  });

  it('EMIT elsewhere is a syntax error', () => {
    expect(errorOf('SELECT * FROM (SELECT * FROM t EMIT CHANGES) x')).toMatchObject({
      code: '42601',
      position: 32,
    });
    expect(errorOf('SELECT * FROM t EMIT CHANGES WHERE a')).toMatchObject({ code: '42601', position: 30 });
    expect(errorOf('SELECT 1 EMIT CHANGES FILL (0)')).toMatchObject({ code: '0A000' });
  });

  it('ASOF is refused as a join and stays a name otherwise', () => {
    expect(errorOf('SELECT * FROM a ASOF LEFT JOIN b ON true')).toMatchObject({
      code: '0A000',
      position: 17,
    });
    expect(parseOne('SELECT * FROM a AS asof JOIN b ON true').clauses.emit).toBeNull();
    expect(parseOne('SELECT asof.x FROM a asof').clauses.emit).toBeNull();
  });

  it('window clauses are found by their offset', () => {
    const sql = 'SELECT * FROM t WINDOW HOPPING (SIZE 10 MINUTES, ADVANCE BY 1 SECOND) WHERE a > 1';
    const [[offset, clause] = []] = parseOne(sql).clauses.windows;
    expect(sql.slice(offset)).toMatch(/^HOPPING/);
    expect(clause).toMatchObject({
      kind: 'hop',
      size: { text: '10 minutes' },
      advance: { text: '1 second' },
    });
  });

  it('PROCTIME, PER WINDOW and PARTITION BY go to the side table', () => {
    const sql =
      'SELECT é FROM SESSION(s.t PARTITION BY a, "B", at, INTERVAL \'1 s\') x JOIN s.u FOR SYSTEM_TIME AS OF PROCTIME() AS v ON true LIMIT 3 PER WINDOW';
    const { clauses } = parseOne(sql);
    expect([...clauses.processingTime].map((o) => sql.slice(o, o + 3))).toEqual(['s.u']);
    expect([...clauses.limitsPerWindow].map((o) => sql[o])).toEqual(['3']);
    expect([...clauses.partitions.values()][0]?.map((p) => p.names)).toEqual([['a'], ['B']]);
  });

  it('other clauses of the same words stay PostgreSQL', () => {
    expect(parseOne('SELECT sum(a) OVER w FROM t WINDOW w AS (PARTITION BY b)').clauses.windows.size).toBe(0);
    expect(parseOne('SELECT a FROM t FOR UPDATE').clauses.processingTime.size).toBe(0);
    expect(parseOne(`SELECT INTERVAL '10' minutes`).node).toMatchObject({
      SelectStmt: { targetList: [{ ResTarget: { name: 'minutes' } }] },
    });
  });
});

describe('positions', () => {
  it('count characters, not bytes or UTF-16 units', () => {
    for (const sql of [
      `SELECT 'é', '𝄞' FROM t WHRE ? = 1`,
      `SELECT 'é𝄞' ; SELECT ?`,
      `SELECT 'é', hop FROM t WINDOW TUMBLING (SIZE 1 MINUTE) GRUP ?`,
    ]) {
      expect(errorOf(sql.replace('?', ')')).position).toBe([...sql].indexOf('?') + 1);
    }
  });

  it('stay true where clauses were cut out', () => {
    const sql = `SELECT a FROM TABLE(HOP(TABLE t, DESCRIPTOR(at), INTERVAL '1' SECOND, INTERVAL '10' MINUTES)) GROP BY 1 EMIT CHANGES`;
    expect(errorOf(sql).position).toBe(sql.indexOf('BY') + 1);
  });

  it('an error before a semicolon names it', () => {
    expect(errorOf('SELECT (1; SELECT 2')).toMatchObject({
      message: 'syntax error at or near ";"',
      position: 10,
    });
  });
});

describe('robustness', () => {
  it('a thousand errors leave the grammar whole', () => {
    for (let i = 0; i < 1000; i++) {
      expect(() => parseStatements(`SELECT ${'('.repeat(i % 50)} FROM ${"'".repeat(i % 3)}`)).toThrow(
        SqlError,
      );
    }
    expect(parseStatements('SELECT 1')).toHaveLength(1);
  });

  it.each([
    `SELECT ${'('.repeat(10_000)}1${')'.repeat(10_000)}`,
    `SELECT ${'['.repeat(10_000)}`,
    `SELECT ${'NOT '.repeat(50_000)}true`,
    `SELECT 1 ${'+ 1 '.repeat(50_000)}`,
    `SELECT ${'CASE WHEN true THEN '.repeat(5000)}1`,
    `${'SELECT * FROM ('.repeat(5000)}`,
  ])('deep nesting is an error, never a crash: %#', (sql) => {
    let error: unknown;
    try {
      parseStatements(sql);
    } catch (caught) {
      error = caught;
    }
    if (error !== undefined) {
      expect(error).toBeInstanceOf(SqlError);
      expect(['54001', '42601']).toContain((error as SqlError).code);
    }
    expect(parseStatements('SELECT 1')).toHaveLength(1);
  });

  it('statements above 16 MB are 54000', () => {
    expect(errorOf(`SELECT '${'x'.repeat(16 * 1024 * 1024)}'`).code).toBe('54000');
  });

  it('a zero byte is 22021', () => {
    expect(errorOf('SELECT \u0000').code).toBe('22021');
  });

  it('hints come from the second parser where it stopped at the same place', () => {
    expect(errorOf('SELECT * FROM t ORDER id').hint).toBe('Expected BY.');
  });
});

describe('hints of syntax errors at stream clauses', () => {
  const forms = /ADVANCE BY/;
  const modes = /EMIT ON WINDOW CLOSE, EMIT CHANGES or EMIT EVERY/;
  it.each([
    ['SELECT a, count(*) FROM t GROUP BY a EMIT FINAL', 'EMIT', modes],
    ['SELECT a FROM t EMIT FINAL', 'FINAL', modes],
    ['SELECT a FROM t GROUP BY a EMIT ON CLOSE', 'EMIT', modes],
    ['SELECT a FROM t EMIT CHANGES LIMIT 3', 'LIMIT', /EMIT stands last/],
    ['SELECT a FROM t WINDOW TUMBLING (10 SECONDS) GROUP BY a', '10', forms],
    ['SELECT a FROM t WINDOW HOPPING (SIZE 1 MINUTE, SLIDE 1 SECOND) GROUP BY a', 'SLIDE', forms],
  ])('%s', (sql, word, hint) => {
    const error = errorOf(sql);
    expect(error.code).toBe('42601');
    expect(error.message).toBe(`syntax error at or near "${word}"`);
    expect(error.position).toBe(sql.indexOf(word) + 1);
    expect(error.hint).toMatch(hint);
  });
});
