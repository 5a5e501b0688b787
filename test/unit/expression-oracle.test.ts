/** Every function, operator and cast over sample values against a real PostgreSQL: text, SQLSTATE and message. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answerOf, type ExpressionCase, expressionOf, sqlOf } from '../support/expression-case.ts';
import { sampleCases } from '../support/expression-samples.ts';
import { type OracleAnswer, PostgresOracle } from '../support/postgres-oracle.ts';

/**
 * Differences that stand. Times before 1685 and after 2255 with odd microseconds, and intervals beyond 285 years of
 * time, are refused; RE2 lacks some constructs; PostgreSQL reads past an int4's end in right().
 */
function differs(c: ExpressionCase, ours: OracleAnswer, theirs: OracleAnswer): boolean {
  if (ours.code === '0A000' && /is not supported/.test(ours.message ?? '')) return true;
  if (ours.code === '2201B' && /not supported/.test(ours.message ?? '')) return true;
  if (ours.code === '22008' && / BC|days \d{7}/.test(theirs.text ?? '')) return true;
  if (c.key === 'right(text,int4)' && c.args[1] === '-2147483648') return true;
  // Over- and underflow in the template itself, and the sign of a negative zero.
  if (c.key.startsWith('to_char(int4') && c.args[1] === '99V9') return true;
  if (/^to_char\(float/.test(c.key)) return /^(-0|NaN|-?Infinity)$/.test(c.args[0] ?? '');
  if (c.key === 'to_char(numeric,text)' && c.args[1] === '.99') return true;
  // The same range error, found at another place.
  if (c.key.startsWith('make_interval')) return ours.code === '22003' && theirs.code === '22008';
  if (c.key === 'to_number(text,text)') return /[^\d,.-]/.test(c.args[0] ?? '');
  return false;
}

/** Functions whose last digits hang on the C library. */
const APPROXIMATE =
  /^(ln|log|log10|exp|power|pow|sin|cos|tan|cot|asin|acos|atan|atan2|sinh|cosh|tanh|cbrt|degrees|\^|\|\|\/)\(float8/;

function same(c: ExpressionCase, ours: OracleAnswer, theirs: OracleAnswer): boolean {
  if (ours.code !== theirs.code) return false;
  if (ours.text === theirs.text) return true;
  if (!APPROXIMATE.test(c.key) || ours.text === null || theirs.text === null) return false;
  const [a, b] = [Number(ours.text), Number(theirs.text)];
  return Math.abs(a - b) <= Math.abs(b) * 4 * Number.EPSILON;
}

const ZONES = ['UTC', 'America/New_York'];

describe.each(ZONES)('functions with TimeZone %s', (zone) => {
  let oracle: PostgresOracle;
  beforeAll(async () => {
    oracle = await PostgresOracle.start(zone);
  });
  afterAll(() => oracle.stop());

  test('give what PostgreSQL gives', async () => {
    // Only what looks at the zone is worth asking twice.
    const cases = sampleCases().filter(
      (c) => zone === 'UTC' || /timestamptz|\(text,text\)|extract/.test(c.key),
    );
    const theirs = await oracle.evaluate(cases.map(sqlOf));
    const failures: string[] = [];
    for (const [i, c] of cases.entries()) {
      const ours = answerOf(expressionOf(c), zone);
      if (same(c, ours, theirs[i]!) || differs(c, ours, theirs[i]!)) continue;
      failures.push(
        `${sqlOf(c)}\n  PostgreSQL: ${JSON.stringify(theirs[i])}\n  ours:       ${JSON.stringify(ours)}`,
      );
    }
    expect(failures.slice(0, 20)).toEqual([]);
    expect(cases.length).toBeGreaterThan(zone === 'UTC' ? 20_000 : 2000);
  });
});
