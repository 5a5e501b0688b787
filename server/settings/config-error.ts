/** A mistake in flags, variables or configuration files: one line on stderr, exit 1. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
