/** File connectors kept to their directory: paths, links that are there, and links put there after CREATE. */
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allowedPath } from '../../runtime/source/allowed-path.ts';
import { Millrace } from '../support/millrace.ts';

let files: string;
let outside: string;
let millrace: Millrace;
beforeEach(async () => {
  files = mkdtempSync(join(tmpdir(), 'millrace-files-'));
  outside = mkdtempSync(join(tmpdir(), 'millrace-outside-'));
  writeFileSync(join(outside, 'secret.txt'), 'secret\n');
  millrace = await Millrace.start({ filesDirectory: files });
});
afterEach(async () => {
  await millrace.stop();
  for (const directory of [files, outside]) rmSync(directory, { recursive: true, force: true });
});

const until = (check: () => Promise<void>): Promise<void> => millrace.until(check);

const createStream = (path: string): Promise<unknown> =>
  millrace.execute(
    `CREATE STREAM s (line text) WITH (connector = 'file', path = '${path}', retention = 'forever') FORMAT TEXT`,
  );
const createSink = (path: string): Promise<unknown> =>
  millrace.execute(
    `CREATE SINK k AS SELECT a FROM t EMIT CHANGES WITH (connector = 'file', path = '${path}')`,
  );
const lines = (): Promise<unknown> => millrace.query('SELECT line FROM s');
const reasons = async (): Promise<string> =>
  (await millrace.query('SELECT reason FROM millrace.rejected_rows')).flat().join('\n');

describe('a path', () => {
  it('that leads out of the directory is refused, however it is written', async () => {
    await millrace.execute('CREATE TABLE t (a int)');
    symlinkSync(outside, join(files, 'out'));
    symlinkSync(join(outside, 'secret.txt'), join(files, 'secret'));
    symlinkSync(join(outside, 'new'), join(files, 'later'));
    symlinkSync('loop', join(files, 'loop'));
    // a sibling whose name begins as the directory's
    mkdirSync(`${files}-more`);
    for (const path of [
      '..',
      '../x',
      './../x',
      'a/../../x',
      '/etc/passwd',
      '/',
      '//etc/passwd',
      `${files}/../x`,
      `${files}-more/x`,
      `${outside}/secret.txt`,
      'out',
      'out/secret.txt',
      'out/../secret',
      'secret',
      'later',
      'later/x',
      'loop',
    ]) {
      const refusal = { code: '22023', message: expect.stringMatching(/outside|leads nowhere/) };
      await expect(createStream(path), path).rejects.toMatchObject(refusal);
      await expect(createSink(path), path).rejects.toMatchObject(refusal);
    }
    expect(readdirSync(outside)).toEqual(['secret.txt']);
    rmSync(`${files}-more`, { recursive: true });
  });

  it('that no file can have is an error of its own, and all else goes on', async () => {
    for (const path of ['', '.', '%2e%2e/x', '..%2fx', '..\\x', 'a'.repeat(5_000), 'x/'.repeat(3_000), '~/x'])
      await createStream(path)
        .then(() => millrace.execute('DROP STREAM s'))
        .catch((error: unknown) =>
          expect(error, path).toMatchObject({ code: expect.stringMatching(/^(22023|58030)$/) }),
        );
    await expect(createStream('a\0b')).rejects.toThrow();
    expect(allowedPath('etc', '/')).toBe('/etc');
    expect(await millrace.query('SELECT 1')).toEqual([['1']]);
  });

  it('to what is no file is refused: a pipe would hold the engine', async () => {
    const socket = createServer().listen(join(files, 'socket'));
    await once(socket, 'listening');
    await expect(createStream('socket')).rejects.toMatchObject({ code: '58030' });
    socket.close();
    expect(await millrace.query('SELECT 1')).toEqual([['1']]);
  });
});

describe('a link put there after CREATE', () => {
  it('in place of the directory is not followed', async () => {
    mkdirSync(join(files, 'in'));
    writeFileSync(join(files, 'in', '1.txt'), 'one\n');
    await createStream('in');
    await until(async () => expect(await lines()).toEqual([['one']]));
    renameSync(join(files, 'in'), join(files, 'was'));
    symlinkSync(outside, join(files, 'in'));
    await until(async () => expect(await reasons()).toContain('it leads elsewhere now'));
    expect(await lines()).toEqual([['one']]);
    // back in its place it is read on
    rmSync(join(files, 'in'));
    renameSync(join(files, 'was'), join(files, 'in'));
    writeFileSync(join(files, 'in', '2.txt'), 'two\n');
    await until(async () => expect(await lines()).toEqual([['one'], ['two']]));
  });

  it('in the directory, or as a part of the way, is none of its files', async () => {
    mkdirSync(join(files, 'a', 'in'), { recursive: true });
    await createStream('a/in');
    symlinkSync(join(outside, 'secret.txt'), join(files, 'a', 'in', '1.txt'));
    writeFileSync(join(files, 'a', 'in', '2.txt'), 'two\n');
    await until(async () => expect(await lines()).toEqual([['two']]));
    mkdirSync(join(outside, 'in'));
    writeFileSync(join(outside, 'in', '3.txt'), 'secret\n');
    renameSync(join(files, 'a'), join(files, 'b'));
    symlinkSync(outside, join(files, 'a'));
    await until(async () => expect(await reasons()).toContain('it leads elsewhere now'));
    expect(await lines()).toEqual([['two']]);
  });

  it('in place of the file is not followed by its next reader', async () => {
    writeFileSync(join(files, 'log.txt'), 'one\n');
    await millrace.execute(
      "CREATE STREAM s (line text) WITH (connector = 'file', path = 'log.txt', follow = false) FORMAT TEXT",
    );
    rmSync(join(files, 'log.txt'));
    symlinkSync(join(outside, 'secret.txt'), join(files, 'log.txt'));
    await expect(millrace.execute('CREATE MATERIALIZED VIEW v AS SELECT line FROM s')).rejects.toMatchObject({
      code: '22023',
      message: expect.stringContaining('outside'),
    });
  });

  it('takes no rows of a sink elsewhere, nor writes over what it leads to', async () => {
    await millrace.execute('CREATE TABLE t (a int)');
    await createSink('out');
    const written = (): string =>
      readdirSync(join(files, 'out'))
        .map((name) => readFileSync(join(files, 'out', name), 'utf8'))
        .join('');
    for (let tick = 0; tick < 500; tick++)
      symlinkSync(join(outside, 'secret.txt'), join(files, 'out', `.${tick}.partial`));
    await millrace.execute('INSERT INTO t VALUES (1)');
    await until(async () => expect(written()).toContain('"a":1'));
    expect(readFileSync(join(outside, 'secret.txt'), 'utf8')).toBe('secret\n');
    renameSync(join(files, 'out'), join(files, 'was'));
    symlinkSync(outside, join(files, 'out'));
    await millrace.execute('INSERT INTO t VALUES (2)');
    await until(async () =>
      expect(await millrace.query('SELECT last_error FROM millrace.sinks')).toEqual([
        [expect.stringContaining('could not write')],
      ]),
    );
    expect(readdirSync(outside)).toEqual(['secret.txt']);
    rmSync(join(files, 'out'));
    renameSync(join(files, 'was'), join(files, 'out'));
    await millrace.execute('INSERT INTO t VALUES (3)');
    await until(async () => expect(written()).toContain('"a":3'));
    expect(written()).toContain('"a":2');
  });
});
