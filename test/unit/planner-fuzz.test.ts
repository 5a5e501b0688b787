/** Statements with words dropped, doubled, swapped and exchanged: every answer is a sound plan or a SqlError, positions inside. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import { SqlError } from '../../common/sql-error.ts';
import { tokenize } from '../../planner/parse/token.ts';
import { loadPlanner, parseStatements } from '../../planner/planner.ts';
import { checkPlanned } from '../plan/check-plan.ts';
import { statementsOf } from '../plan/golden.ts';
import { FIXTURE, MemoryCatalog, run } from '../plan/memory-catalog.ts';
import { ANSWERED, TYPED, WRONG } from '../plan/oracle-corpus.ts';

const ROUNDS = Number(process.env['PLANNER_FUZZ_ROUNDS'] ?? 2000);
const SEED = Number(process.env['PLANNER_FUZZ_SEED'] ?? 1);

const FOLDER = fileURLToPath(new URL('../plan/', import.meta.url));
const GOLDENS = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.txt'))
  .flatMap((name) => statementsOf(readFileSync(FOLDER + name, 'utf8')));

/** The oracle's tables and the goldens' do not share names of columns: what fits neither is an error, which is fine. */
const CORPUS = [...GOLDENS, ...GOLDENS, ...TYPED, ...WRONG, ...ANSWERED];

beforeAll(loadPlanner);

/** xorshift: the seed and the round are the repro. */
function random(seed: number): () => number {
  let state = seed * 2654435761 + 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

function wordsOf(sql: string): string[] {
  return tokenize(sql).map((t) => sql.slice(t.start, t.end));
}

function mutate(next: () => number): string {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
  const words = wordsOf(pick(CORPUS));
  for (let edits = 1 + Math.floor(next() * 3); edits > 0; edits--) {
    const at = Math.floor(next() * words.length);
    const kind = next();
    if (kind < 0.25) words.splice(at, 1);
    else if (kind < 0.4) words.splice(at, 0, words[at] ?? 'x');
    else if (kind < 0.7) words[at] = pick(wordsOf(pick(CORPUS))) ?? 'x';
    else if (kind < 0.85) words.splice(at, 0, ...wordsOf(pick(CORPUS)).slice(0, 6));
    else
      words[at] = pick([
        'NULL',
        '0',
        "'é𝄞'",
        '$1',
        '(SELECT 1)',
        '*',
        ';',
        "INTERVAL '1 s'",
        '-1',
        'window_end',
        'ARRAY[1]',
      ]);
  }
  return words.join(' ');
}

it(`${ROUNDS} mutations from seed ${SEED}`, () => {
  for (let round = 0; round < ROUNDS; round++) {
    const sql = mutate(random(SEED * 100_003 + round));
    const catalog = new MemoryCatalog();
    run(catalog, FIXTURE);
    try {
      const values = round % 2 === 0 ? {} : { parameterValues: ['1', '2', '3', '4', '5'] };
      run(catalog, sql, values).forEach(checkPlanned);
    } catch (error) {
      if (!(error instanceof SqlError)) throw new Error(`round ${round}: ${sql}`, { cause: error });
      if (error.position !== undefined && (error.position < 1 || error.position > [...sql].length + 1)) {
        throw new Error(`round ${round}: position ${error.position} of ${sql}`, { cause: error });
      }
    }
  }
  expect(parseStatements('SELECT 1')).toHaveLength(1);
}, 120_000);
