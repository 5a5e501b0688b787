/** Settings that say who gets in, and how. */
import { booleanSetting, spelledChoice, textSetting } from './setting-kind.ts';
import { setting } from './setting-definition.ts';

/** Older versions are broken. Spelled as PostgreSQL does. */
const sslVersion = spelledChoice('TLSv1.2', 'TLSv1.3');

export const SECURITY_SETTINGS = {
  ssl: setting('reload', 'ssl', booleanSetting, 'off', 'Enables SSL connections.'),
  sslCertificateFile: setting(
    'reload',
    'ssl_cert_file',
    textSetting,
    'server.crt',
    'Location of the SSL server certificate file.',
  ),
  sslKeyFile: setting(
    'reload',
    'ssl_key_file',
    textSetting,
    'server.key',
    'Location of the SSL server private key file.',
  ),
  sslVersionLeast: setting(
    'reload',
    'ssl_min_protocol_version',
    sslVersion,
    'TLSv1.2',
    'Sets the minimum SSL/TLS protocol version to use.',
  ),
  hbaFile: setting(
    'reload',
    'hba_file',
    textSetting,
    '',
    'Sets the file of rules that say who may connect how; empty = the rules that are built in.',
    { confidential: true },
  ),
  passwordFile: setting(
    'start',
    'millrace.password_file',
    textSetting,
    '',
    'A file with a password for the first superuser, which is set at the start if it has none.',
    { confidential: true },
  ),
} as const;
