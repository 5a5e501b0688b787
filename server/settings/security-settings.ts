/** Settings that say who gets in, and how. */
import { durationBetween, integer, booleanSetting, spelledChoice, textSetting } from './setting-kind.ts';
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
  authenticationTimeoutMs: setting(
    'reload',
    'authentication_timeout',
    durationBetween(1_000, 600_000),
    '1min',
    'Sets the maximum allowed time to complete client authentication.',
  ),
  superuserConnections: setting(
    'start',
    'superuser_reserved_connections',
    integer(0, 100_000),
    '3',
    'Sets the number of connection slots reserved for superusers.',
  ),
  pendingConnectionsMax: setting(
    'start',
    'millrace.unauthenticated_connections',
    integer(10, 100_000),
    '2000',
    'Connections at once, on each port, that have not logged in; beyond it old ones are dropped.',
  ),
  auditLog: setting(
    'start',
    'millrace.audit_log',
    textSetting,
    'stderr',
    'Where logins and changes are recorded: off, stderr (by millrace.log_level) or a file.',
    { confidential: true },
  ),
  jwtSecretFile: setting(
    'reload',
    'millrace.jwt_secret_file',
    textSetting,
    '',
    'A file with the secret of JSON Web Tokens signed with HS256.',
    { confidential: true },
  ),
  jwtKeyFile: setting(
    'reload',
    'millrace.jwt_key_file',
    textSetting,
    '',
    'A PEM file with the public key of JSON Web Tokens signed with RS256 or ES256.',
    { confidential: true },
  ),
  jwtKeySetFile: setting(
    'reload',
    'millrace.jwt_jwks_file',
    textSetting,
    '',
    'A JSON Web Key Set with the public keys of JSON Web Tokens.',
    { confidential: true },
  ),
  jwtAudience: setting(
    'reload',
    'millrace.jwt_audience',
    textSetting,
    '',
    'The audience that JSON Web Tokens must name; empty = any.',
  ),
  jwtIssuer: setting(
    'reload',
    'millrace.jwt_issuer',
    textSetting,
    '',
    'The issuer that JSON Web Tokens must name; empty = any.',
  ),
  jwtRoleClaim: setting(
    'reload',
    'millrace.jwt_role_claim',
    textSetting,
    'role',
    'The claim of JSON Web Tokens that names the role.',
  ),
  jwtRole: setting(
    'reload',
    'millrace.jwt_role',
    textSetting,
    '',
    'The role of JSON Web Tokens that name none; empty = such tokens are refused.',
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
