/** Rules of access: the file's form, its mistakes, whom a rule is about, and what holds without a file. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BOOTSTRAP_ROLE, type RoleDefinition } from '../../runtime/plan/authorization.ts';
import { readHbaLines } from '../../server/auth/rules/hba-line.ts';
import { parseHba } from '../../server/auth/rules/parse-hba.ts';
import { Rules } from '../../server/auth/rules/rules.ts';
import { CatalogView, OidAllocator } from '../../server/catalog.ts';
import { Configuration } from '../../server/settings/configuration.ts';

let directory: string;
const logged: string[] = [];
const log = pino({ level: 'error' }, { write: (line: string) => void logged.push(line) });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const role = (oid: number, name: string, ...memberOf: number[]): RoleDefinition => ({
  ...BOOTSTRAP_ROLE,
  oid,
  name,
  superuser: false,
  memberOf: memberOf.map((group) => ({ role: group, grantor: 10, admin: false, inherit: true, set: true })),
});
const CATALOG = new CatalogView(
  [BOOTSTRAP_ROLE, role(20, 'staff'), role(21, 'sales', 20), role(22, 'anna', 21), role(23, 'all')],
  1,
  new OidAllocator(100),
);

const configOf = (...flags: string[]): Configuration =>
  Configuration.read(['--data', directory, ...flags], {})!;

/** `user@address` in clear, `user@address/tls` over TLS; what it must do, or why it can't. */
function ask(rules: Rules, client: string, { database = 'millrace', passwordsUsed = true } = {}): string {
  const [, user = '', address = '', tls] = /^(.*)@([^/]*)(\/tls)?$/.exec(client) ?? [];
  try {
    return rules.method({ address, tls: tls !== undefined }, user, database, CATALOG, passwordsUsed);
  } catch (error) {
    return (error as Error).message.split(' for ')[0]!;
  }
}

const NONE = 'no pg_hba.conf entry';
const REJECTED = 'pg_hba.conf rejects connection';

describe('without a file', () => {
  it('trusts this machine until there is a password, and asks all others for one over TLS', () => {
    const rules = new Rules(configOf().config, log);
    for (const address of ['127.0.0.1', '127.9.9.9', '::1']) {
      expect(ask(rules, `anna@${address}`, { passwordsUsed: false })).toBe('trust');
      expect(ask(rules, `anna@${address}`)).toBe('scram-sha-256');
    }
    for (const address of ['10.0.0.1', '2001:db8::1', '128.0.0.1', '']) {
      for (const passwordsUsed of [false, true]) {
        expect(ask(rules, `anna@${address}`, { passwordsUsed })).toBe(NONE);
        expect(ask(rules, `anna@${address}/tls`, { passwordsUsed })).toBe('scram-sha-256');
      }
    }
  });

  it('takes all for this machine where it is told to be insecure', () => {
    const rules = new Rules(configOf('--insecure').config, log);
    expect(ask(rules, 'anna@10.0.0.1', { passwordsUsed: false })).toBe('trust');
    expect(ask(rules, 'anna@10.0.0.1')).toBe('scram-sha-256');
  });
});

describe('a file', () => {
  const load = async (text: string): Promise<Rules> => {
    await writeFile(join(directory, 'hba.conf'), text);
    return new Rules(configOf('--hba-file', 'hba.conf').config, log);
  };

  it('is read from its first rule to its last; the first that is about a client decides', async () => {
    const rules = await load(`
# TYPE   DATABASE        USER          ADDRESS         METHOD
local    all             all                           trust
host     all             mallory       all             reject
hostssl  all             +staff        10.0.0.0/8      scram-sha-256
hostnossl all            +staff        10.0.0.0/8      reject
host     millrace,"x y"  anna , bob    192.168.0.0  255.255.255.0  md5   # the old way
host     sameuser        eve           all             trust
host     all             "all"         ::1/128         trust
host     all             carol         samehost        trust
host     all \\
  dave 2001:db8::/32 trust
host     all             erin          2001:db8::  ffff:ffff::  trust
`);
    expect(ask(rules, 'mallory@127.0.0.1')).toBe(REJECTED);
    expect(ask(rules, 'anna@10.1.2.3/tls')).toBe('scram-sha-256');
    expect(ask(rules, 'staff@10.1.2.3/tls')).toBe('scram-sha-256');
    expect(ask(rules, 'anna@10.1.2.3')).toBe(REJECTED);
    expect(ask(rules, 'millrace@10.1.2.3/tls')).toBe(NONE);
    expect(ask(rules, 'anna@11.1.2.3/tls')).toBe(NONE);
    expect(ask(rules, 'bob@192.168.0.255')).toBe('scram-sha-256');
    expect(ask(rules, 'bob@192.168.0.255', { database: 'x y' })).toBe('scram-sha-256');
    expect(ask(rules, 'bob@192.168.0.255', { database: 'x' })).toBe(NONE);
    expect(ask(rules, 'bob@192.168.1.0')).toBe(NONE);
    expect(ask(rules, 'eve@1.2.3.4', { database: 'eve' })).toBe('trust');
    expect(ask(rules, 'eve@1.2.3.4')).toBe(NONE);
    expect(ask(rules, 'all@::1')).toBe('trust');
    expect(ask(rules, 'zoe@::1')).toBe(NONE);
    expect(ask(rules, 'carol@127.0.0.1')).toBe('trust');
    expect(ask(rules, 'carol@203.0.113.1')).toBe(NONE);
    expect(ask(rules, 'dave@2001:db8:1::2')).toBe('trust');
    expect(ask(rules, 'dave@2001:db9::')).toBe(NONE);
    expect(ask(rules, 'erin@2001:db8::5')).toBe('trust');
    expect(ask(rules, 'erin@2001:db8:1::5')).toBe('trust');
    expect(ask(rules, 'erin@2001:dba::5')).toBe(NONE);
  });

  it('lets nobody in where it is empty', async () => {
    expect(ask(await load('# nothing\n'), 'anna@127.0.0.1', { passwordsUsed: false })).toBe(NONE);
  });

  it('does not take an IPv4 network for one of IPv6', async () => {
    const rules = await load('host all all 0.0.0.0/0 trust');
    expect(ask(rules, 'anna@2001:db8::1')).toBe(NONE);
  });

  it('is read again; one with a mistake changes nothing', async () => {
    const rules = await load('host all all all reject');
    await writeFile(join(directory, 'hba.conf'), 'host all all all trust');
    rules.reload(configOf('--hba-file', 'hba.conf').config);
    expect(ask(rules, 'anna@127.0.0.1')).toBe('trust');
    await writeFile(join(directory, 'hba.conf'), 'host all all all password');
    rules.reload(configOf('--hba-file', 'hba.conf').config);
    expect(ask(rules, 'anna@127.0.0.1')).toBe('trust');
    expect(logged.at(-1)).toContain('hba.conf line 1: invalid authentication method');
    rules.reload(configOf('--hba-file', 'gone.conf').config);
    expect(ask(rules, 'anna@127.0.0.1')).toBe('trust');
  });
});

describe('mistakes', () => {
  it.each([
    ['hosts all all all trust', 'line 1: invalid connection type "hosts"'],
    ['host,hostssl all all all trust', 'line 1: multiple values given for the connection type'],
    ['host all', 'line 1: the line ends before the user'],
    ['host all all all', 'line 1: the line ends before the authentication method'],
    ['host all all 10.0.0.0/33 trust', 'line 1: invalid CIDR mask'],
    ['host all all 10.0.0.0/x trust', 'line 1: invalid CIDR mask'],
    ['host all all 10.0.0.0 trust', 'line 1: invalid IP mask "trust"'],
    ['host all all 10.0.0.0 255.0.255.0 trust', 'line 1: invalid IP mask "255.0.255.0"'],
    ['host all all 10.0.0.0 ffff:: trust', 'line 1: invalid IP mask "ffff::"'],
    ['host all all db.example trust', 'line 1: "db.example" is no address'],
    ['host all all 10.0.0 trust', 'line 1: "10.0.0" is no address'],
    ['\n\nhost all all all ldap', 'line 3: invalid authentication method "ldap"'],
    ['host all all all trust map=x', 'line 1: authentication option "map=x"'],
    ['host all /^a all trust', 'line 1: regular expressions'],
    ['host @file all all trust', 'line 1: files of names'],
    ['host "all all all trust', 'line 1: a quote is not closed'],
    ['# fine\nhost \\\nall all all ldap', 'line 2: invalid authentication method'],
  ])('%j', (text, message) => {
    expect(() => parseHba(text, 'hba.conf')).toThrow(message);
  });

  it('reads words as they stand', () => {
    const [line] = readHbaLines('a "b ""c"", d" e,f, g#h', 'f');
    expect(line?.fields.map((field) => field.map(({ text }) => text))).toEqual([
      ['a'],
      ['b "c", d'],
      ['e', 'f', 'g'],
    ]);
  });
});
