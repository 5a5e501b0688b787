/** Texts of every type, good and bad, as a real PostgreSQL reads and prints them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SqlError } from '../../common/sql-error.ts';
import { formatType, type SqlType, type TypeName } from '../../common/types.ts';
import { formatDatum, parseDatum, type TextSettings } from '../../common/value-text.ts';
import { INPUT_TEXTS } from '../support/input-texts.ts';
import { PostgresOracle } from '../support/postgres-oracle.ts';

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const all = Object.entries(INPUT_TEXTS).flatMap(([name, texts]) =>
  texts.map((text) => ({ type: { name: name as TypeName } satisfies SqlType, text })),
);

function ours(text: string, type: SqlType, settings: Partial<TextSettings>): string {
  try {
    const printed = formatDatum(parseDatum(text, type, settings), type, settings);
    return type.name === 'bool' ? (printed === 't' ? 'true' : 'false') : printed;
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return `${error.code} ${error.message}`;
  }
}

let oracle: PostgresOracle;
beforeAll(async () => {
  oracle = await PostgresOracle.start();
});
afterAll(() => oracle.stop());

async function compare(settings: Partial<TextSettings>, types: RegExp): Promise<void> {
  const cases = all.filter(({ type }) => types.test(type.name));
  expect(cases.length).toBeGreaterThan(50);
  const theirs = await oracle.evaluate(cases.map(({ text, type }) => `${quote(text)}::${formatType(type)}`));
  const failures: string[] = [];
  for (const [i, { text, type }] of cases.entries()) {
    const { text: printed, code, message } = theirs[i]!;
    const expected = printed ?? `${code} ${message}`;
    const got = ours(text, type, settings);
    if (got !== expected) failures.push(`${type.name} ${quote(text)}: PostgreSQL ${expected}, ours ${got}`);
  }
  expect(failures).toEqual([]);
}

describe('text', () => {
  test('of every type', () => compare({}, /./));

  test.each(['America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe'])(
    'under TimeZone %s',
    async (timeZone) => {
      await oracle.run(`set timezone = '${timeZone}'`);
      await compare({ timeZone }, /^(date|time)/);
      await oracle.run('set timezone = utc');
    },
  );

  test.each([
    'SQL, MDY',
    'SQL, DMY',
    'Postgres, MDY',
    'Postgres, DMY',
    'German, DMY',
    'ISO, DMY',
    'ISO, YMD',
  ])('under DateStyle %s', async (dateStyle) => {
    await oracle.run(`set datestyle = '${dateStyle}'`);
    await compare({ dateStyle }, /^(date|time)/);
    await oracle.run(`set datestyle = 'ISO, MDY'`);
  });

  test.each(['postgres_verbose', 'iso_8601', 'sql_standard'] as const)(
    'under IntervalStyle %s',
    async (style) => {
      // Under sql_standard a leading sign counts for all fields: read under the default, printed under the style.
      const texts = (INPUT_TEXTS.interval ?? []).filter(
        (text) => !/^\d{2}\d/.test(ours(text, { name: 'interval' }, {})),
      );
      const printed = texts.map((text) => ours(text, { name: 'interval' }, { intervalStyle: 'iso_8601' }));
      const readable = printed.filter((text) => /^P/.test(text));
      expect(readable.length).toBeGreaterThan(30);
      await oracle.run(`set intervalstyle = '${style}'`);
      const theirs = await oracle.evaluate(readable.map((text) => `${quote(text)}::interval`));
      await oracle.run('set intervalstyle = postgres');
      expect(readable.map((text) => ours(text, { name: 'interval' }, { intervalStyle: style }))).toEqual(
        theirs.map((answer) => answer.text),
      );
    },
  );

  test('with extra_float_digits and bytea_output', async () => {
    await oracle.run('set extra_float_digits = 0; set bytea_output = escape');
    await compare({ extraFloatDigits: 0, byteaOutput: 'escape' }, /^(float|bytea|int)/);
    await oracle.run('set extra_float_digits = 1; set bytea_output = hex');
  });
});
