/** psql, where it is installed. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';

const installed = [
  ['psql', '--version'],
  ['stdbuf', '--version'],
  // a terminal of its own
  ['script', '--version'],
].every(([command, flag]) => spawnSync(command!, [flag!]).status === 0);
let server: TestServer;

beforeAll(async () => {
  if (!installed) return;
  server = await TestServer.start();
  await psql('-c', 'CREATE STREAM events (at timestamptz NOT NULL, tag text, WATERMARK FOR at AS at)');
}, 30_000);
afterAll(() => server?.stop());

function start(...args: readonly string[]): ChildProcessWithoutNullStreams {
  const where = ['-X', '-h', '127.0.0.1', '-p', `${server.pgPort}`, '-U', 'anna', '-d', 'millrace'];
  // psql keeps its output back where it is no terminal; stdbuf makes it print line by line.
  return spawn('stdbuf', ['-oL', 'psql', ...where, ...args], {
    env: { ...process.env, PGCLIENTENCODING: 'UTF8' },
  });
}

async function psql(
  ...args: readonly string[]
): Promise<Readonly<{ code: number; stdout: string; stderr: string }>> {
  const child = start(...args);
  child.stdin.end();
  return finished(child);
}

async function finished(
  child: ChildProcessWithoutNullStreams,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    output.stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output.stderr += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, ...output };
}

/** Resolves when the output has this text. */
function shown(child: ChildProcessWithoutNullStreams, text: string): Promise<void> {
  let seen = '';
  return new Promise((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      if (seen.includes(text)) resolve();
    });
  });
}

const row = (second: string, tag: string): string =>
  `INSERT INTO events VALUES ('2026-01-01 00:00:${second}+00', '${tag}')`;

describe.skipIf(!installed)('psql (needs psql, stdbuf and script)', () => {
  it('prints a table', async () => {
    const { code, stdout } = await psql('-c', "SELECT 1 AS a, 'x' AS b");
    expect([code, stdout]).toEqual([0, ' a | b \n---+---\n 1 | x\n(1 row)\n\n']);
  });

  it('shows where an error is', async () => {
    const { code, stderr } = await psql('-c', 'SELECT nosuch');
    expect(code).toBe(1);
    expect(stderr).toBe('ERROR:  column "nosuch" does not exist\nLINE 1: SELECT nosuch\n               ^\n');
  });

  it('prints a continuous query as it comes, and ends it by Ctrl-C', async () => {
    const reader = start(
      '-c',
      "SELECT window_end, count(*) AS n FROM TUMBLE(events, at, INTERVAL '1 second') GROUP BY window_end EMIT ON WINDOW CLOSE",
    );
    const head = shown(reader, 'window_end\tn\n');
    const window = shown(reader, '2026-01-01 00:00:02+00\t1\n');
    const end = finished(reader);
    await head;
    await psql('-c', row('01', 'a'), '-c', row('02', 'b'));
    await window;
    reader.kill('SIGINT');
    const { stderr } = await end;
    expect(stderr).toContain('canceling statement due to user request');
  });

  it('ends a continuous query by Ctrl-C in a terminal, and the session goes on', async () => {
    // exec: a shell that stays in between would end by the Ctrl-C itself.
    const command = `exec psql -X -h 127.0.0.1 -p ${server.pgPort} -U anna -d millrace`;
    const terminal = spawn('script', ['-qec', command, '/dev/null'], {
      env: { ...process.env, PAGER: '', TERM: 'dumb' },
    });
    const end = finished(terminal);
    await shown(terminal, 'millrace=');
    for (let i = 1; i <= 2; i++) {
      const row = shown(terminal, `window ${i}`);
      terminal.stdin.write(
        `SELECT 'window ' || '${i}' FROM TUMBLE(events, at, INTERVAL '1 hour') GROUP BY window_end EMIT ON WINDOW CLOSE;\n`,
      );
      const canceled = shown(terminal, 'canceling statement due to user request');
      await shown(terminal, '?column?');
      await psql(
        '-c',
        `INSERT INTO events VALUES ('2030-01-01 0${2 * i}:30+00', 'x'), ('2030-01-01 0${2 * i + 1}:30+00', 'x')`,
      );
      await row;
      terminal.stdin.write('\u0003');
      await canceled;
    }
    const answer = shown(terminal, 'still 42');
    terminal.stdin.write("SELECT 'still ' || 42;\n");
    await answer;
    terminal.stdin.end('\\q\n');
    expect((await end).code).toBe(0);
  });

  it('reads a continuous query by FETCH_COUNT', async () => {
    const reader = start('-v', 'FETCH_COUNT=2');
    const rows = shown(reader, 'two');
    const end = finished(reader);
    reader.stdin.write('\\echo ready\nSELECT tag FROM events EMIT CHANGES;\n');
    await shown(reader, 'ready');
    for (let i = 0; i < 3; i++) await psql('-c', row('11', 'one'), '-c', row('12', 'two'));
    await rows;
    reader.kill('SIGINT');
    reader.stdin.end();
    await end;
  });

  it('copies in and out', async () => {
    const child = start('-c', '\\copy events FROM STDIN');
    const end = finished(child);
    child.stdin.end('2026-01-01 00:00:20+00\tcopied\n');
    expect((await end).stdout).toBe('COPY 1\n');
    const { stdout } = await psql('-c', "COPY (SELECT tag FROM events WHERE tag = 'copied') TO STDOUT");
    expect(stdout).toBe('copied\n');
  });

  it('reads data that stands in a script', async () => {
    const script = [
      'CREATE STREAM scripted (t text);',
      'COPY scripted FROM STDIN;\none\ntwo\n\\.',
      'BEGIN;',
      'COPY scripted FROM STDIN;\nthree\n\\.',
      'COMMIT;',
      'COPY (SELECT t FROM scripted) TO STDOUT;',
    ];
    const child = start('-At', '-v', 'ON_ERROR_STOP=1', '-f', '-');
    const end = finished(child);
    child.stdin.end(`${script.join('\n')}\n`);
    const { code, stdout } = await end;
    expect([code, stdout.split('COMMIT\n')[1]]).toEqual([0, 'one\ntwo\nthree\n']);
  });

  it('runs a script in one transaction', async () => {
    const child = start('-1', '-v', 'ON_ERROR_STOP=1', '-f', '-');
    const end = finished(child);
    child.stdin.end('CREATE TABLE once (a int4);\nINSERT INTO once VALUES (1);\nSELECT 1/0;\n');
    expect((await end).stderr).toContain('division by zero');
    expect((await psql('-c', 'SELECT * FROM once')).stderr).toContain('relation "once" does not exist');
  });
});
