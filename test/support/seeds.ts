/**
 * One seed for all random tests of a run, so that a run can be repeated: TEST_SEED=…; `TEST_SEED=random` takes another
 * each time and prints it. The default is fixed: a change is judged by the same cases as the one before it.
 */
import fc from 'fast-check';

const wanted = process.env['TEST_SEED'] ?? '20261121';

export const TEST_SEED = wanted === 'random' ? Math.floor(Math.random() * 0x7fffffff) : Number(wanted);

if (wanted === 'random') process.stderr.write(`TEST_SEED=${TEST_SEED}\n`);
fc.configureGlobal({ seed: TEST_SEED });
