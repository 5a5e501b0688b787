/** However a statement with a secret or password is mistyped, no error quotes the value, nor does the text that others are shown. */
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { SqlError } from '../../common/sql-error.ts';
import { loadPlanner, parseStatements, shownStatement } from '../../planner/planner.ts';

const VALUE = 'HushMarker';

/** What stands before the value, and after it. */
const STATEMENTS: readonly (readonly [string, string])[] = [
  [`CREATE SECRET a AS '`, `'`],
  [`CREATE SECRET IF NOT EXISTS s.a WITH (backend = 'meta') AS E'`, `\\n'`],
  [`CREATE SECRET a AS U&'\\0061`, `'`],
  [`CREATE SECRET a AS '\\x`, `'::bytea`],
  [`ALTER SECRET a AS $q$`, `$q$`],
  [`SELECT 1; CREATE SECRET a AS '`, `'; SELECT 2`],
  [`ALTER ROLE bob WITH LOGIN PASSWORD '`, `' VALID UNTIL '2030-01-01'`],
  [`CREATE USER bob ENCRYPTED PASSWORD '`, `' CONNECTION LIMIT 3`],
  [`CREATE GROUP g PASSWORD "`, `" ROLE a, b`],
];
const PIECES = `' '' " $$ $q$ -- /* */ ; ( ) \\ E' b' U& , AS = $1 :: 0x 1a é`
  .split(' ')
  .concat(' ', '\n', '');

const mistake = fc.record({
  before: fc.boolean(),
  place: fc.double({ min: 0, max: 1, noNaN: true }),
  cut: fc.nat(2),
  piece: fc.constantFrom(...PIECES),
});

const statement = fc
  .tuple(fc.constantFrom(...STATEMENTS), fc.array(mistake, { maxLength: 3 }))
  .map(([[head, tail], mistakes]) => {
    let [before, after] = [head, tail];
    for (const m of mistakes) {
      const text = m.before ? before : after;
      const at = Math.floor(m.place * text.length);
      const changed = text.slice(0, at) + m.piece + text.slice(at + m.cut);
      if (m.before) before = changed;
      else after = changed;
    }
    return before + VALUE + after;
  })
  // with another word it says something else
  .filter((sql) => /\b(?:create|alter)\b[\s\S]*\b(?:secret|password)\b[\s\S]*HushMarker/i.test(sql));

beforeAll(loadPlanner);

it('does not show the value', () => {
  let errors = 0;
  fc.assert(
    fc.property(statement, (sql) => {
      try {
        for (const { text } of parseStatements(sql)) expect(shownStatement(text)).not.toContain(VALUE);
      } catch (error) {
        if (!(error instanceof SqlError)) throw error;
        errors++;
        expect(JSON.stringify(error.toPlain())).not.toMatch(/HushMarker/i);
      }
    }),
    { numRuns: 3_000 },
  );
  expect(errors).toBeGreaterThan(1_000);
});
