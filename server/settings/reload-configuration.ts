import type { Logger } from 'pino';
import { ConfigError } from './config-error.ts';
import type { Configuration } from './configuration.ts';

/** SIGHUP, pg_reload_conf(): what is wrong with the files is logged, and changes nothing. */
export function reloadConfiguration(configuration: Configuration, log: Logger): void {
  try {
    const changed = configuration.reload();
    log.level = configuration.config.logLevel;
    log.info({ changed }, 'configuration reloaded');
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    log.error({ reason: error.message }, 'configuration not reloaded');
  }
}
