/** File sinks: when a tick's file comes, what it is called, and what becomes of rows that can't be written. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Millrace } from '../support/millrace.ts';

let directory: string;
let millrace: Millrace;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-sinks-'));
  millrace = await Millrace.start({
    filesDirectory: join(directory, 'files'),
    dataDirectory: join(directory, 'data'),
  });
  mkdirSync(join(directory, 'files'));
  await millrace.execute('CREATE STREAM s (v int)');
});
afterEach(async () => {
  await millrace.stop();
  rmSync(directory, { recursive: true, force: true });
});

const createSink = (name: string, path: string, format = 'FORMAT CSV (header = true)'): Promise<void> =>
  millrace.execute(
    `CREATE SINK ${name} AS SELECT v FROM s EMIT CHANGES WITH (connector = 'file', path = '${path}') ${format}`,
  );

/** The files' texts without the number of the tick. */
const texts = (path: string): string[] =>
  readdirSync(join(directory, 'files', path))
    .sort()
    .map((name) => readFileSync(join(directory, 'files', path, name), 'utf8').replace(/^\d+,/gm, ''));

it('sinks that share a directory lose no rows to each other', async () => {
  for (const name of ['one', 'two', 'three']) await createSink(name, 'shared');
  await millrace.execute('INSERT INTO s VALUES (1), (2)');
  await millrace.advance(1);
  expect(texts('shared')).toEqual(new Array(3).fill('tick,diff,v\n1,1\n1,2\n'));
  const names = readdirSync(join(directory, 'files/shared')).map((name) => name.replace(/^\d{15}/, ''));
  expect(names.sort()).toEqual(['-2.csv', '-3.csv', '.csv']);
});

it('rows that could not be written go out with a later tick, once and under one header', async () => {
  await createSink('out', 'out');
  rmSync(join(directory, 'files/out'), { recursive: true });
  await millrace.execute('INSERT INTO s VALUES (1)');
  await millrace.execute('INSERT INTO s VALUES (2)');
  expect(await millrace.query('SELECT last_error FROM millrace.sinks')).toEqual([
    [expect.stringContaining('could not write')],
  ]);
  mkdirSync(join(directory, 'files/out'));
  await millrace.execute('INSERT INTO s VALUES (3)');
  await millrace.advance(1);
  expect(texts('out')).toEqual(['tick,diff,v\n1,1\n1,2\n1,3\n']);
  expect(await millrace.query('SELECT last_error FROM millrace.sinks')).toEqual([[null]]);
});

it('a file comes after its rows are in the log', async () => {
  await createSink('out', 'out');
  const { streams, sinks } = millrace.core.state.relations;
  const [oid] = streams.keys();
  const log = (): number =>
    readdirSync(join(directory, 'data/streams', `${oid}`), { withFileTypes: true })
      .map((entry) => statSync(join(entry.parentPath, entry.name)).size)
      .reduce((sum, size) => sum + size, 0);
  const [running] = sinks.values();
  const before = log();
  const commit = vi.spyOn(running!.sink!, 'commit').mockImplementation(() => {
    if (running!.rows > 0) expect(log()).toBeGreaterThan(before);
  });
  await millrace.execute('INSERT INTO s VALUES (1)');
  expect(commit).toHaveBeenCalled();
  expect(running!.lastError).toBeNull();
});
