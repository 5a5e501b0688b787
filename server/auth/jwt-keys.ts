import type { Logger } from 'pino';
import { ConfigError } from '../settings/config-error.ts';
import type { Config } from '../settings/millrace-settings.ts';
import { JwtVerifier } from './jwt.ts';

/** The keys of JWTs that are in force, read again when the configuration is. */
export class JwtKeys {
  readonly #log: Logger;
  #current: JwtVerifier | null;

  /** ConfigError where a file is no key. */
  constructor(config: Config, log: Logger) {
    this.#log = log;
    this.#current = JwtVerifier.load(config);
  }

  /** null: JWTs are not taken. */
  get current(): JwtVerifier | null {
    return this.#current;
  }

  /** Files that can't be used change nothing. */
  reload(config: Config): void {
    try {
      this.#current = JwtVerifier.load(config);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#log.error({ reason: error.message }, 'keys of JWTs not reloaded');
    }
  }
}
