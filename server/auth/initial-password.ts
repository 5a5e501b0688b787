import { BOOTSTRAP_ROLE_OID } from '../../runtime/plan/authorization.ts';
import type { ServerCatalog } from '../catalog.ts';
import { PASSWORD_BYTES_MAX } from '../limits.ts';
import { ConfigError } from '../settings/config-error.ts';
import { readConfiguredFile } from '../settings/read-configured-file.ts';
import { formatVerifier, makeVerifier } from './scram-verifier.ts';

/** What the one who starts the server gives as the first password: in MILLRACE_PASSWORD, or in a file. null: none. */
export function readInitialPassword(
  environment: Readonly<Record<string, string | undefined>>,
  file: string,
): string | null {
  const given = environment['MILLRACE_PASSWORD'];
  if (given !== undefined && given !== '') return given;
  if (file === '') return null;
  const password = readConfiguredFile('password file', file).replace(/\r?\n$/, '');
  if (password === '' || password.length > PASSWORD_BYTES_MAX || /[\r\n\0]/.test(password)) {
    throw new ConfigError(`password file ${file} must have one line, the password`);
  }
  return password;
}

/** Gives the first superuser its password, unless it has one: who forgot it has another way to change it. */
export async function setInitialPassword(catalog: ServerCatalog, password: string): Promise<void> {
  const role = catalog.current.roleByOid(BOOTSTRAP_ROLE_OID);
  if (role === undefined || role.verifier !== null) return;
  const verifier = formatVerifier(await makeVerifier(password));
  await catalog.define([{ kind: 'alter', object: { ...role, verifier } }]);
}
