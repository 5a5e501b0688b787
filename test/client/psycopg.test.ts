/** psycopg 3, where a Python has it: MILLRACE_TEST_PYTHON, or python3. */
import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.ts';

const python = process.env['MILLRACE_TEST_PYTHON'] ?? 'python3';
const installed = spawnSync(python, ['-c', 'import psycopg; assert psycopg.__version__ >= "3"']).status === 0;
const script = fileURLToPath(new URL('psycopg_session.py', import.meta.url));

describe.skipIf(!installed)('psycopg 3 (needs python3 with psycopg)', () => {
  it('reads, writes, copies, pipelines, streams and cancels', async () => {
    const server = await TestServer.start();
    try {
      const { stdout } = await promisify(execFile)(python, [script, `${server.pgPort}`]);
      expect(JSON.parse(stdout)).toEqual({
        people: [
          [1, 'Anna'],
          [2, 'Bob'],
          [3, null],
        ],
        ids: [1, 2, 3, 6],
        copied: [['1', 'Anna']],
        types_False: [true, 0.5, true, ['a', 'b'], true, '1.50', true, null],
        types_True: [true, 0.5, true, ['a', 'b'], true, '1.50', true, null],
        error: ['42703', '8'],
        pipeline: Array.from({ length: 20 }, (_, i) => i),
        canceled: '57014',
        streamed: [
          ['x', 0],
          ['x', 1],
          ['x', 2],
        ],
        after: 1,
        named: [1, 2],
      });
    } finally {
      await server.stop();
    }
  });
});
