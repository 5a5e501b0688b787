/** Whether the file that a setting is to name can be used: what only the next start would find out is found out at once. */
import { accessSync, constants } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ConfigError } from '../settings/config-error.ts';
import type { Config } from '../settings/millrace-settings.ts';
import { readCertificate, readKey } from './certificate.ts';
import { configuredCertificate } from './encryption.ts';
import { readInitialPassword } from './initial-password.ts';
import { JwtVerifier } from './jwt.ts';
import { configuredRules } from './rules/rules.ts';

/** ConfigError. Certificate and key are looked at each by itself: two statements change them, and between them they differ. */
export function requireUsableFile(setting: keyof Config, config: Config): void {
  const place = (path: string): string => resolve(config.dataDirectory, path);
  const noKeys = { ...config, jwtSecretFile: '', jwtKeyFile: '', jwtKeySetFile: '' };
  switch (setting) {
    case 'ssl':
      configuredCertificate(config);
      break;
    case 'sslCertificateFile':
      readCertificate(place(config.sslCertificateFile));
      break;
    case 'sslKeyFile':
      readKey(place(config.sslKeyFile));
      break;
    case 'hbaFile':
      configuredRules(config);
      break;
    case 'jwtSecretFile':
    case 'jwtKeyFile':
    case 'jwtKeySetFile':
      JwtVerifier.load({ ...noKeys, [setting]: config[setting] });
      break;
    case 'passwordFile':
      readInitialPassword({}, config.passwordFile);
      break;
    case 'auditLog':
      if (config.auditLog !== 'off' && config.auditLog !== 'stderr') requireWritable(config.auditLog);
      break;
    default:
  }
}

function requireWritable(path: string): void {
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch (error) {
    throw new ConfigError(`audit log ${path} cannot be written: ${(error as NodeJS.ErrnoException).code}`);
  }
}
