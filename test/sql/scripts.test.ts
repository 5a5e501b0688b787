import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { livesOf, parseScript } from '../support/script.ts';
import { TEST_SEED } from '../support/seeds.ts';
import { LIVES, runScript, stopScriptServer } from '../support/script-lives.ts';

const DIRECTORY = fileURLToPath(new URL('.', import.meta.url));
const SCRIPTS = readdirSync(DIRECTORY, { recursive: true })
  .map(String)
  .filter((name) => name.endsWith('.slt'))
  .sort();
/** The seed of the random cuts; a failure names it. */
const SEED = TEST_SEED;

afterAll(stopScriptServer);

for (const name of SCRIPTS) {
  const source = readFileSync(`${DIRECTORY}/${name}`, 'utf8');
  describe(name, () => {
    const lives = livesOf(source);
    for (const life of LIVES.filter((name) => lives?.includes(name) ?? true))
      it(life, async () => expect(await runScript(source, life, SEED)).toBeGreaterThan(0));
  });
}

it('the scripts hold at least 300 statements', () => {
  const total = SCRIPTS.reduce(
    (sum, name) => sum + parseScript(readFileSync(`${DIRECTORY}/${name}`, 'utf8')).length,
    0,
  );
  expect(total).toBeGreaterThanOrEqual(300);
});
