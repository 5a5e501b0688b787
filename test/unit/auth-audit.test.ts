/** The audit log: what it tells, what it never tells, and how much of a flood. */
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { AuditLog, type LoginEvent } from '../../server/auth/audit-log.ts';
import { startServerHere } from '../support/server-here.ts';

const ATTEMPT: LoginEvent = {
  user: 'anna',
  peer: { address: '192.0.2.1', tls: true },
  protocol: 'pgwire',
  method: 'password',
};

describe('a flood of failures', () => {
  it('is told in part, and counted', () => {
    const lines: Record<string, unknown>[] = [];
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
    let now = 1_000_000;
    const audit = AuditLog.open(
      'stderr',
      log,
      () => now,
      () => {},
    );
    for (let i = 0; i < 10_000; i++) audit.refused(ATTEMPT, '28P01');
    expect(lines).toHaveLength(100);
    now += 1_000;
    for (let i = 0; i < 10_000; i++) audit.refused(ATTEMPT, '28P01');
    expect(lines).toHaveLength(105);
    expect(lines[100]).toMatchObject({
      event: 'login-failed',
      suppressed: 9_900,
      address: '192.0.2.1',
      tls: true,
    });
    now += 3_600_000;
    for (let i = 0; i < 10_000; i++) audit.refused(ATTEMPT, '28P01');
    expect(lines).toHaveLength(205);
  });
});

describe('a server', () => {
  it('tells who came and what they changed, and no secret', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-'));
    const path = join(directory, 'audit.log');
    const server = await startServerHere(['--audit-log', path]);
    await server.setRole('millrace', 'root secret');
    const connect = async (password: string): Promise<pg.Client> => {
      const where = { host: '127.0.0.1', port: server.pgPort, database: 'millrace', user: 'millrace' };
      const client = new pg.Client({ ...where, password });
      await client.connect();
      return client;
    };
    await expect(connect('wrong secret')).rejects.toThrow();
    const client = await connect('root secret');
    await client.query("CREATE ROLE anna LOGIN PASSWORD 'annas secret'");
    await client.query('BEGIN');
    await client.query('CREATE TABLE t (id int4 PRIMARY KEY, v text)');
    await client.query("ALTER ROLE anna PASSWORD 'other secret' CONNECTION LIMIT 3");
    await client.query('COMMIT');
    await client.query('BEGIN');
    await client.query('CREATE TABLE undone (id int4 PRIMARY KEY)');
    await client.query('ROLLBACK');
    await client.query("INSERT INTO t VALUES (1, 'row secret')");
    await client.query('SELECT * FROM t WHERE v = $1', ['parameter secret']);
    await client.query('GRANT SELECT ON t TO anna');
    const { rows } = await client.query('CREATE TOKEN board FOR anna');
    await client.query("ALTER SYSTEM SET millrace.log_level = 'info'");
    await client.query('CREATE ROLE readers');
    await client.query('GRANT readers TO anna WITH ADMIN OPTION');
    await client.query('REVOKE SELECT ON t FROM anna');
    await client.query('ALTER TABLE t OWNER TO anna');
    await client.query('DROP TABLE t');
    await client.end();
    const basic = `Basic ${Buffer.from('millrace:root secret').toString('base64')}`;
    const headers = { authorization: basic };
    for (let i = 0; i < 3; i++) await fetch(`http://127.0.0.1:${server.httpPort}/metrics`, { headers });
    const metrics = await fetch(`http://127.0.0.1:${server.httpPort}/metrics`, { headers });
    const counted = await metrics.text();
    expect(counted).toContain('millrace_logins_total{protocol="pgwire",outcome="failed"} 1');
    expect(counted).toContain('millrace_logins_total{protocol="http",outcome="ok"} 4');
    await server.stop();
    const text = await readFile(path, 'utf8');
    const events = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(
      events.map(({ event, kind, name }) =>
        [event, kind, name].filter((part) => part !== undefined).join(' '),
      ),
    ).toEqual([
      'login-failed',
      'login',
      'create role anna',
      'create table t',
      'alter role anna',
      'alter table t',
      'create token board',
      'setting',
      'create role readers',
      'alter role anna',
      'alter table t',
      'alter table t',
      'drop table t',
      'logout',
      'login',
    ]);
    const who = {
      user: 'millrace',
      address: '127.0.0.1',
      tls: false,
      protocol: 'pgwire',
      method: 'password',
    };
    expect(events[0]).toMatchObject({ ...who, code: '28P01' });
    expect(events[1]).toMatchObject(who);
    expect(events[4]).toMatchObject({ user: 'millrace', changed: ['connectionLimit', 'verifier'] });
    expect(events[4]).toMatchObject({ connectionLimit: 3 });
    expect(events[5]).toMatchObject({ changed: ['access'], granted: ['"anna"=r/"millrace"'] });
    expect(events[6]).toMatchObject({ for: 'anna', user: 'millrace' });
    expect(events[9]).toMatchObject({ granted: ['role "readers" with admin, inherit, set'] });
    expect(events[10]).toMatchObject({ revoked: ['"anna"=r/"millrace"'] });
    expect(events[11]).toMatchObject({ owner: 'anna' });
    expect(text).not.toContain('secret');
    expect(text).not.toContain(rows[0].token);
    expect(text).not.toContain('SCRAM');
    expect((await stat(path)).mode & 0o077).toBe(0);
    await rm(directory, { recursive: true, force: true });
  });

  it('does not start where it cannot tell', async () => {
    await expect(startServerHere(['--audit-log', '/proc/none/audit.log'])).rejects.toThrow('audit log');
  });
});
