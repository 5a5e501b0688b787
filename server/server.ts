/** A running server: engine, sessions and the two ports. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Logger } from 'pino';
import { SecretKey } from '../common/secret-key.ts';
import type { Engine } from '../runtime/engine-client.ts';
import { expressionText, loadPlanner } from '../planner/planner.ts';
import { startEngine } from '../runtime/engine.ts';
import { AuditLog } from './auth/audit-log.ts';
import { Authentication } from './auth/authentication.ts';
import { AuthenticationFile } from './auth/authentication-file.ts';
import { Encryption } from './auth/encryption.ts';
import { HttpLogin } from './auth/http/http-login.ts';
import { setInitialPassword } from './auth/initial-password.ts';
import { JwtKeys } from './auth/jwt-keys.ts';
import { Rules } from './auth/rules/rules.ts';
import { ServerCatalog } from './catalog.ts';
import { checkSecrets } from './check-secrets.ts';
import { HttpServer } from './http/http-server.ts';
import { requestGuard } from './http/request-guard.ts';
import { ResultCache } from './results/result-cache.ts';
import { SHUTDOWN_TIMEOUT_MS } from './limits.ts';
import { ServerMetrics } from './metrics.ts';
import { NotificationHub } from './notifications/notification-hub.ts';
import { WireServer } from './pgwire/wire-server.ts';
import { PlannerThread } from './planning/planner-thread.ts';
import type { ServerContext } from './server-context.ts';
import { HeldMemory } from './session/held-memory.ts';
import { PlanCache } from './session/plan-cache.ts';
import { SlowReaders } from './session/slow-readers.ts';
import { SessionRegistry } from './session/session-registry.ts';
import { ConfigError } from './settings/config-error.ts';
import { type Configuration, isLoopback } from './settings/configuration.ts';
import { reloadConfiguration } from './settings/reload-configuration.ts';
import { SystemCatalog } from './system-catalog/system-catalog.ts';
import { SocketServer } from './websocket/socket-server.ts';

/** Beside the sources; a build lies one folder deeper. */
const PAGE = new URL(
  import.meta.url.endsWith('.ts') ? '../web/index.html' : '../../web/index.html',
  import.meta.url,
);

export type RunningServer = Readonly<{
  context: ServerContext;
  pgPort: number;
  httpPort: number;
  /** Ends sessions with 57P01, saves the engine's state. */
  stop: () => Promise<void>;
}>;

/** ConfigError where what is configured can't be had. `password`: of the first superuser, if it has none so far. */
export async function startServer(
  configuration: Configuration,
  log: Logger,
  password: string | null = null,
): Promise<RunningServer> {
  const started: { engine: Engine | null } = { engine: null };
  try {
    return await start(configuration, log, password, started);
  } catch (error) {
    // it has taken the state that the last stop saved: the next start must find it again
    await started.engine?.stop();
    throw error;
  }
}

async function start(
  configuration: Configuration,
  log: Logger,
  password: string | null,
  started: { engine: Engine | null },
): Promise<RunningServer> {
  const { config } = configuration;
  const encryption = new Encryption(config, log);
  const http = new HttpServer(
    requestGuard(config.host, config.insecure, (name) => encryption.isNamed(name)),
    encryption,
    config,
  );
  const rules = new Rules(config, log);
  const jwt = new JwtKeys(config, log);
  const metrics = new ServerMetrics();
  const audit = AuditLog.open(config.auditLog, log, Date.now, (protocol, outcome) =>
    metrics.logins.inc({ protocol, outcome }),
  );
  const file = AuthenticationFile.open(config.dataDirectory);
  const secretKeyFile = resolve(config.dataDirectory, config.secretKeyFile);
  const secretKey = new SecretKey(secretKeyFile);
  // Alive before it is ready: recovery may take its time. Others must wait until it is known that they need a password.
  const open = config.insecure || isLoopback(config.host);
  let httpPort = open ? await http.listen(config.httpPort, config.host) : 0;
  const [engine] = await Promise.all([
    startEngine({
      dataDirectory: config.dataDirectory,
      filesDirectory: config.filesDirectory === '' ? null : config.filesDirectory,
      connectorHosts: config.connectorHosts,
      secretKeyFile,
      memoryLimitBytes: config.memoryLimitBytes,
      tickIntervalMs: config.tickIntervalMs,
      walSync: config.walSync,
      maxRate: config.maxRate === 0 ? null : config.maxRate,
      backpressure: config.backpressure,
      clock: 'system',
    }),
    loadPlanner(),
  ]);
  started.engine = engine;
  const catalog = new ServerCatalog(engine);
  checkSecrets(catalog.current, secretKey, log);
  const authentication = new Authentication({ catalog, file, rules, log, clock: Date.now });
  if (password !== null) await setInitialPassword(catalog, password);
  if (!open) {
    requirePassword(authentication, config.host);
    httpPort = await http.listen(config.httpPort, config.host);
  }
  const context: ServerContext = {
    engine,
    catalog,
    authentication,
    encryption,
    audit,
    plans: new PlanCache(),
    planner: new PlannerThread(),
    systemCatalog: new SystemCatalog({
      imageDirectory: join(config.dataDirectory, 'cache'),
      log,
      metrics,
      print: expressionText,
    }),
    results: new ResultCache(engine, metrics),
    sessions: new SessionRegistry(config.connectionsMax, config.superuserConnections),
    notifications: new NotificationHub(),
    slowReaders: new SlowReaders(),
    heldMemory: new HeldMemory(),
    metrics,
    secretKey,
    log,
    configuration,
    reload: () => {
      reloadConfiguration(configuration, log);
      encryption.reload(configuration.config);
      rules.reload(configuration.config);
      jwt.reload(configuration.config);
      audit.reopen();
    },
    clock: Date.now,
    startedAt: Date.now(),
  };
  const sockets = new SocketServer(context);
  const wire = new WireServer(context);
  const pgPort = await wire.listen(config.pgPort, config.host);
  const page = (await readFile(PAGE, 'utf8')).replaceAll('PG_PORT', `${pgPort}`);
  const logins = new HttpLogin({ authentication, catalog, jwt, audit, clock: Date.now });
  http.open({ context, logins, sockets, page });
  const stop = async (): Promise<void> => {
    const closed = Promise.all([wire.close(SHUTDOWN_TIMEOUT_MS), http.close(SHUTDOWN_TIMEOUT_MS)]);
    context.sessions.shutDown();
    sockets.shutDown();
    await closed;
    context.planner.stop();
    context.systemCatalog.stop();
    await engine.stop();
  };
  return { context, pgPort, httpPort, stop };
}

/** Where others can reach the server, somebody must have a password before its ports are opened. */
function requirePassword(authentication: Authentication, host: string): void {
  if (authentication.hasPasswords) return;
  throw new ConfigError(
    `--host ${host} can be reached from outside, and no role has a password: give the first one by MILLRACE_PASSWORD ` +
      'or --password-file, or add --insecure to allow all',
  );
}
