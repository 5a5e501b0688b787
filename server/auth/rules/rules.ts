import { resolve } from 'node:path';
import type { Logger } from 'pino';
import { SqlError } from '../../../common/sql-error.ts';
import type { CatalogView } from '../../catalog.ts';
import { ConfigError } from '../../settings/config-error.ts';
import type { Config } from '../../settings/millrace-settings.ts';
import { readConfiguredFile } from '../../settings/read-configured-file.ts';
import type { LoginMethod, Peer } from '../peer.ts';
import { defaultMethod } from './default-method.ts';
import { type HbaRule, isAbout } from './hba-rule.ts';
import { parseHba } from './parse-hba.ts';

/** Which method a client must use: by the rules of a file, or by those that hold where there is none. */
export class Rules {
  readonly #log: Logger;
  readonly #insecure: boolean;
  /** null: no file */
  #rules: readonly HbaRule[] | null;

  /** ConfigError where the file can't be read, with the line. */
  constructor(config: Config, log: Logger) {
    this.#log = log;
    this.#insecure = config.insecure;
    this.#rules = configuredRules(config);
  }

  /** A file that can't be read changes nothing. */
  reload(config: Config): void {
    try {
      this.#rules = configuredRules(config);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#log.error({ reason: error.message }, 'rules of access not reloaded');
    }
  }

  /** 28000 where no rule lets the client in, or one keeps it out. */
  method(
    peer: Peer,
    user: string,
    database: string,
    catalog: CatalogView,
    passwordsUsed: boolean,
  ): LoginMethod {
    const found = this.#find(peer, user, database, catalog, passwordsUsed);
    if (found !== null && found !== 'reject') return found;
    const encryption = peer.tls ? 'SSL encryption' : 'no encryption';
    const who = `host "${peer.address}", user "${user}", database "${database}", ${encryption}`;
    if (found === 'reject') throw new SqlError('28000', `pg_hba.conf rejects connection for ${who}`);
    const needsTls = this.#rules === null && !peer.tls;
    const hint = needsTls ? { hint: 'Other machines must connect over TLS (sslmode=require, https).' } : {};
    throw new SqlError('28000', `no pg_hba.conf entry for ${who}`, hint);
  }

  #find(
    peer: Peer,
    user: string,
    database: string,
    catalog: CatalogView,
    passwordsUsed: boolean,
  ): HbaRule['method'] | null {
    if (this.#rules === null) return defaultMethod(peer, { insecure: this.#insecure, passwordsUsed });
    const client = { peer, user, database };
    return this.#rules.find((rule) => isAbout(rule, client, catalog))?.method ?? null;
  }
}

/** null: there is no file. ConfigError where it can't be read, with the line. */
export function configuredRules(config: Config): readonly HbaRule[] | null {
  if (config.hbaFile === '') return null;
  const path = resolve(config.dataDirectory, config.hbaFile);
  return parseHba(readConfiguredFile('file of rules', path), path);
}
