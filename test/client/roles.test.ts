/** Roles over the wire: passwords that nobody sees again, settings of a role, and all of it after a restart. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isPasswordOf, parseVerifier } from '../../server/auth/scram-verifier.ts';
import { TestServer } from '../support/server.ts';

let directory: string;
let server: TestServer;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-roles-'));
  server = await TestServer.start({ dataDirectory: directory, trust: true });
}, 30_000);
afterAll(async () => {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

async function as<T>(user: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await server.connect(user);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const catalogText = (): Promise<string> => readFile(join(directory, 'catalog.json'), 'utf8');

async function verifierOf(name: string): Promise<string | null> {
  const { objects } = JSON.parse(await catalogText()) as {
    objects: { kind: string; name: string; verifier: string | null }[];
  };
  return objects.find((object) => object.kind === 'role' && object.name === name)?.verifier ?? null;
}

describe('passwords', () => {
  it('are kept as verifiers only, made anew for each role', async () => {
    await as('millrace', async (client) => {
      await client.query(`CREATE ROLE ada LOGIN PASSWORD 'correct horse'`);
      await client.query(`CREATE ROLE bob PASSWORD 'correct horse' NOLOGIN`);
    });
    const [ada, bob] = [await verifierOf('ada'), await verifierOf('bob')];
    expect(await isPasswordOf('correct horse', parseVerifier(ada!)!)).toBe(true);
    expect(ada).not.toBe(bob);
    expect(await catalogText()).not.toContain('correct horse');
    expect(server.stderr).not.toContain('correct horse');
  });

  it('are taken as verifiers, and cleared by NULL and by an empty one', async () => {
    const given = (await verifierOf('ada'))!;
    await as('millrace', async (client) => {
      const notices: string[] = [];
      client.on('notice', (notice) => notices.push(notice.message ?? ''));
      await client.query(`ALTER ROLE bob PASSWORD '${given}'`);
      expect(await verifierOf('bob')).toBe(given);
      await client.query(`ALTER ROLE bob PASSWORD NULL`);
      expect(await verifierOf('bob')).toBeNull();
      await client.query(`ALTER ROLE bob PASSWORD '${given}'`);
      await client.query(`ALTER ROLE bob PASSWORD ''`);
      expect(await verifierOf('bob')).toBeNull();
      expect(notices).toEqual(['empty string is not a valid password, clearing password']);
    });
  });

  it('are not taken as MD5 hashes, nor quoted in an error', async () => {
    await as('millrace', async (client) => {
      await expect(
        client.query(`ALTER ROLE bob PASSWORD 'md5aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'`),
      ).rejects.toMatchObject({ code: '22023' });
      for (const sql of [
        'CREATE ROLE eve PASSWORD hunter2',
        "ALTER ROLE bob PASSWORD 'hunter2",
        'SELECT 1; ALTER ROLE bob PASSWORD hunter2',
      ]) {
        const error = await client.query(sql).then(
          () => null,
          (reason: Error) => reason,
        );
        expect(error).toMatchObject({ code: '42601' });
        expect(JSON.stringify({ ...error, message: error!.message })).not.toContain('hunter2');
      }
    });
  });

  it('wait for COMMIT, and are lost with ROLLBACK', async () => {
    await as('millrace', async (client) => {
      await client.query('BEGIN');
      await client.query(`ALTER ROLE bob PASSWORD 'x'`);
      expect(await verifierOf('bob')).toBeNull();
      await client.query('ROLLBACK');
      await client.query('BEGIN');
      await client.query(`ALTER ROLE bob PASSWORD 'y'`);
      await client.query('COMMIT');
    });
    expect(await isPasswordOf('y', parseVerifier((await verifierOf('bob'))!)!)).toBe(true);
  });
});

describe('the text of a statement with a password', () => {
  it('does not show in pg_stat_activity', async () => {
    await as('millrace', (one) =>
      as('millrace', async (two) => {
        for (const sql of [
          `ALTER ROLE bob PASSWORD 'tell nobody'`,
          `/* a */ ALTER /* b */ ROLE bob PASSWORD 'tell nobody'`,
          `ALTER ROLE bob NOLOGIN PASSWORD $x$tell nobody$x$`,
        ]) {
          await one.query(sql);
          const { rows } = await two.query('SELECT query FROM pg_stat_activity');
          expect(JSON.stringify(rows)).toContain('ROLE bob');
          expect(JSON.stringify(rows)).not.toContain('tell');
        }
      }),
    );
  });
});

describe('CONNECTION LIMIT', () => {
  it('binds the role, and no superuser', async () => {
    await as('millrace', (client) => client.query('CREATE ROLE few LOGIN CONNECTION LIMIT 1'));
    await as('few', async () => {
      await expect(server.connect('few')).rejects.toMatchObject({ code: '53300' });
    });
    await as('few', async () => {});
    await as('millrace', (client) => client.query('ALTER ROLE few SUPERUSER'));
    await as('few', () => as('few', async () => {}));
    await as('millrace', (client) => client.query('DROP ROLE few'));
  });
});

describe('two blocks that alter one role', () => {
  it('do not undo each other: the second fails with 40001', async () => {
    await as('millrace', (one) =>
      as('millrace', async (two) => {
        await one.query('BEGIN');
        await one.query('ALTER ROLE ada CREATEDB');
        await two.query('ALTER ROLE ada CREATEROLE');
        await expect(one.query('COMMIT')).rejects.toMatchObject({ code: '40001' });
        const { rows } = await two.query(`SELECT current_user`);
        expect(rows).toEqual([{ current_user: 'millrace' }]);
      }),
    );
  });
});

describe('CONNECT', () => {
  it('is needed for a session, and everyone has it until it is revoked', async () => {
    await as('millrace', async (client) => {
      await client.query('CREATE ROLE near LOGIN');
      await as('near', async () => {});
      await client.query('REVOKE CONNECT ON DATABASE millrace FROM PUBLIC');
      await expect(server.connect('near')).rejects.toMatchObject({
        code: '42501',
        message: 'permission denied for database "millrace"',
      });
      await client.query('GRANT CONNECT ON DATABASE millrace TO near');
      await as('near', async () => {});
      await client.query('GRANT CONNECT ON DATABASE millrace TO PUBLIC');
      await client.query('DROP OWNED BY near');
      await client.query('DROP ROLE near');
    });
  });
});

describe('a role that is dropped', () => {
  it('leaves its sessions without rights of its own', async () => {
    await as('millrace', async (client) => {
      await client.query('CREATE ROLE gone LOGIN SUPERUSER');
      await client.query('CREATE TABLE left_over (a int)');
      await client.query('GRANT CREATE ON SCHEMA public TO PUBLIC');
      await as('gone', async (session) => {
        expect((await session.query('SELECT * FROM left_over')).rows).toEqual([]);
        await client.query('DROP ROLE gone');
        expect((await session.query('SELECT current_user')).rows).toEqual([{ current_user: 'gone' }]);
        for (const sql of ['SELECT * FROM left_over', 'CREATE ROLE x', 'DROP TABLE left_over']) {
          await expect(session.query(sql)).rejects.toMatchObject({ code: '42501' });
        }
        await expect(session.query('CREATE TABLE orphan (a int)')).rejects.toMatchObject({ code: '42704' });
        // another role of that name is another one
        await client.query('CREATE ROLE gone SUPERUSER');
        await expect(session.query('SELECT * FROM left_over')).rejects.toMatchObject({ code: '42501' });
      });
      await client.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC');
      await client.query('DROP TABLE left_over');
      await client.query('DROP ROLE gone');
    });
  });
});

describe('a login', () => {
  it('has the settings of its role, below those that the client asks for', async () => {
    await as('millrace', (client) => client.query(`ALTER ROLE ada SET DateStyle = 'SQL, DMY'`));
    await as('ada', async (client) => {
      const { rows } = await client.query({ text: 'SHOW datestyle', rowMode: 'array' });
      expect(rows).toEqual([['SQL, DMY']]);
      await expect(client.query('CREATE ROLE eve SUPERUSER')).rejects.toMatchObject({ code: '42501' });
    });
  });

  it('as millrace means its own relations, not the views of the schema of that name', async () => {
    await as('millrace', async (client) => {
      await client.query('CREATE TABLE sinks (v int PRIMARY KEY); INSERT INTO sinks VALUES (7)');
      expect((await client.query('SELECT * FROM sinks')).rows).toEqual([{ v: 7 }]);
      const visible = `SELECT oid::regclass::text AS name FROM pg_class WHERE relname = 'sinks' AND pg_table_is_visible(oid)`;
      expect((await client.query(visible)).rows).toEqual([{ name: 'sinks' }]);
      expect((await client.query('SHOW search_path')).rows).toEqual([{ search_path: '"$user", public' }]);
      await client.query('DROP TABLE sinks');
    });
  });

  it('is what it was after a restart', async () => {
    await server.stop();
    server = await TestServer.start({ dataDirectory: directory, trust: true });
    await as('ada', async (client) => {
      const { rows } = await client.query({ text: 'SELECT current_user, session_user', rowMode: 'array' });
      expect(rows).toEqual([['ada', 'ada']]);
      await expect(client.query('SET ROLE bob')).rejects.toMatchObject({ code: '42501' });
    });
    await as('millrace', async (client) => {
      await expect(client.query('CREATE ROLE ada')).rejects.toMatchObject({ code: '42710' });
      await client.query('DROP ROLE ada, bob');
    });
  });
});
