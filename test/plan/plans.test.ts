/** Goldens of plans and of refusals. UPDATE_PLANS=1 blesses what the planner says now. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import { loadPlanner } from '../../planner/planner.ts';
import { goldenOf, statementsOf } from './golden.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'));
const UPDATE = process.env['UPDATE_PLANS'] === '1';

beforeAll(loadPlanner);

it('there are goldens', () => {
  expect(FILES.length).toBeGreaterThan(4);
});

it.each(FILES)('%s', (name) => {
  const path = FOLDER + name;
  const written = readFileSync(path, 'utf8');
  const now = goldenOf(written);
  if (UPDATE) writeFileSync(path, now);
  expect(statementsOf(now)).toEqual(statementsOf(written));
  if (!UPDATE) expect(now).toBe(written);
});
