/** The real server in the test's own process, on free ports of loopback, with nothing but what a test puts into it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import {
  BOOTSTRAP_ROLE,
  BOOTSTRAP_ROLE_NAME,
  type RoleDefinition,
} from '../../runtime/plan/authorization.ts';
import { formatVerifier, makeVerifier } from '../../server/auth/scram-verifier.ts';
import { type RunningServer, startServer } from '../../server/server.ts';
import { Configuration } from '../../server/settings/configuration.ts';

export type ServerHere = RunningServer &
  Readonly<{
    /** Makes a role, or changes one. */
    setRole: (name: string, password: string | null, attributes?: Partial<RoleDefinition>) => Promise<void>;
    /** What was logged, a line an event. */
    logged: readonly Readonly<Record<string, unknown>>[];
  }>;

export async function startServerHere(flags: readonly string[] = []): Promise<ServerHere> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-'));
  const ports = ['--pg-port', '0', '--http-port', '0', '--no-demo', '--data', directory];
  const configuration = Configuration.read([...ports, ...flags], {})!;
  const logged: Record<string, unknown>[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(JSON.parse(line)) });
  const server = await startServer(configuration, log);
  const { catalog } = server.context;
  return {
    ...server,
    logged,
    setRole: async (name, password, attributes = {}) => {
      const verifier = password === null ? null : formatVerifier(await makeVerifier(password));
      const known = catalog.current.role(name);
      const superuser = name === BOOTSTRAP_ROLE_NAME;
      const oid = known?.oid ?? catalog.current.allocateOid();
      const base = known ?? { ...BOOTSTRAP_ROLE, superuser, name, oid };
      const object: RoleDefinition = { ...base, verifier, ...attributes };
      await catalog.define([
        known === undefined ? { kind: 'create', object, replaces: null } : { kind: 'alter', object },
      ]);
    },
    stop: async () => {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
