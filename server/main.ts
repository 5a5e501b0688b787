#!/usr/bin/env node
/** The command `millrace`: starts the server, says where it listens, stops it on SIGTERM or SIGINT. */
import { access, constants, mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Logger, pino, destination } from 'pino';
import { readInitialPassword } from './auth/initial-password.ts';
import { ConfigError } from './settings/config-error.ts';
import { Configuration, isLoopback } from './settings/configuration.ts';
import { lockDataDirectory } from './data-lock.ts';
import { Demo } from './demo.ts';
import { type RunningServer, startServer } from './server.ts';
import { USAGE } from './usage.ts';

const EXIT_USAGE = 1;
/** EX_SOFTWARE: our own mistake. */
const EXIT_INTERNAL = 70;

function fail(message: string): never {
  process.stderr.write(`millrace: ${message}\n`);
  process.exit(EXIT_USAGE);
}

function readConfigurationOrExit(): Configuration {
  try {
    const configuration = Configuration.read(process.argv.slice(2), process.env);
    if (configuration !== null) return configuration;
  } catch (error) {
    if (error instanceof ConfigError) fail(error.message);
    throw error;
  }
  process.stdout.write(USAGE);
  process.exit(0);
}

/** Rows are in it: nobody else of the machine is to read them. */
const OWNERS = 0o700;

/** Not mkdir's `recursive`: that never returns where a directory is there and takes none, as /proc. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, OWNERS);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeDirectory(dirname(path));
    await mkdir(path, OWNERS);
  }
}

async function requireWritable(directory: string): Promise<void> {
  let holder: number | null;
  try {
    await makeDirectory(directory);
    await access(directory, constants.W_OK | constants.X_OK);
    holder = lockDataDirectory(directory);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    fail(`data directory ${directory} cannot be written: ${code ?? message}`);
  }
  if (holder !== null)
    fail(`data directory ${directory} is in use by process ${holder}: --data DIR takes another`);
}

async function start(configuration: Configuration, log: Logger): Promise<RunningServer> {
  try {
    const password = readInitialPassword(process.env, configuration.config.passwordFile);
    // Not for whoever may read a process's environment later, nor for what this process starts.
    delete process.env['MILLRACE_PASSWORD'];
    return await startServer(configuration, log, password);
  } catch (error) {
    if (error instanceof ConfigError) fail(error.message);
    const { code, port, syscall } = error as NodeJS.ErrnoException & { port?: number };
    if (syscall === 'listen' && code === 'EADDRINUSE') fail(`port ${port} is in use`);
    if (syscall === 'listen' || syscall === 'getaddrinfo') {
      fail(`cannot listen on ${configuration.config.host}${port === undefined ? '' : `:${port}`}: ${code}`);
    }
    log.debug({ err: error }, 'cannot start');
    fail(`cannot start: ${(error as Error).message}`);
  }
}

const configuration = readConfigurationOrExit();
const { config } = configuration;
const log = pino({ level: config.logLevel, base: null }, destination({ dest: 2, sync: true }));

function crash(error: unknown): void {
  log.fatal({ err: error }, 'unhandled error');
  process.exit(EXIT_INTERNAL);
}
process.on('uncaughtException', crash);
// Whoever read the terminal's output may be gone: the server is not.
process.stdout.on('error', () => {});
process.on('unhandledRejection', crash);

await requireWritable(config.dataDirectory);
if (config.insecure && !isLoopback(config.host)) {
  log.warn(
    { host: config.host },
    'INSECURE: others can reach this server without TLS, and without a password until one is set',
  );
}
// A signal that comes while the server starts must not end it: its files are read again as soon as it can.
let reloadAtStart = false;
const noteReload = (): void => {
  reloadAtStart = true;
};
process.on('SIGHUP', noteReload);
const server = await start(configuration, log);
process.off('SIGHUP', noteReload).on('SIGHUP', () => server.context.reload());
if (reloadAtStart) server.context.reload();
const pg = `${config.host}:${server.pgPort}`;
const http = `${config.host}:${server.httpPort}`;
const demo = config.demo ? new Demo(server.context, { pg, http }, process.stdout) : null;
await demo?.prepare();

let stopping = false;
async function stop(signal: NodeJS.Signals): Promise<void> {
  if (stopping) return;
  stopping = true;
  log.info({ signal }, 'stopping');
  demo?.stop();
  await server.stop();
  process.exit(0);
}
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.on(signal, (name) => void stop(name).catch(crash));

process.stdout.write(`millrace ready pg=${pg} http=${http}\n`);
await demo?.run();
