import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Duplex } from 'node:stream';
import { SqlError } from '../../common/sql-error.ts';
import type { Encryption } from '../auth/encryption.ts';
import { PendingConnections } from '../auth/pending-connections.ts';
import type { HttpLogin } from '../auth/http/http-login.ts';
import { flattenError } from '../flatten-error.ts';
import {
  HTTP_CHECK_MS,
  HTTP_HEADER_BYTES_MAX,
  HTTP_HEADERS_TIMEOUT_MS,
  HTTP_REQUEST_TIMEOUT_MS,
} from '../limits.ts';
import type { ServerContext } from '../server-context.ts';
import type { Login } from '../session/login.ts';
import type { Config } from '../settings/millrace-settings.ts';
import { OWNER } from '../session/open-session.ts';
import type { SocketServer } from '../websocket/socket-server.ts';
import { speakTls } from './http-connection.ts';
import { discardRest } from './request-body.ts';
import { HttpError, sendError, sendJson, statusOf } from './http-error.ts';
import { IdempotencyKeys } from './idempotency-keys.ts';
import { getLive, getViewLive } from './live-route.ts';
import { postQuery } from './query-route.ts';
import { turnPostgresClientAway } from './postgres-client.ts';
import type { RequestGuard } from './request-guard.ts';
import { postRows } from './streams-route.ts';
import { getView } from './view-route.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, login: Login) => Promise<void> | void;
/** `name`: as metrics count it; `open`: to all, without a login. */
type Route = Readonly<{ name: string; method: string; handle: Handler; open?: boolean }>;

const PATHS =
  'There are POST /query, POST /streams/{name}, GET /views/{name}, GET /views/{name}/live, GET /live?sql=…, /ws, /healthz, /readyz and /metrics.';

const IDLE_SWEEP_MS = 20;

const LOGIN_STATUS: ReadonlySet<number> = new Set([401, 403]);
const CLIENT_ERRORS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** `rawPacket`: what could not be read */
type ParseError = NodeJS.ErrnoException & Readonly<{ rawPacket?: Buffer }>;

/** What answers requests once the engine has recovered. */
type Ready = Readonly<{ context: ServerContext; logins: HttpLogin; sockets: SocketServer; page: string }>;

/**
 * Ingest, queries, views, live results, health and metrics on one port; WebSocket upgrades are passed on. Before `open`
 * it is alive but not ready: 503 to all but /healthz.
 */
export class HttpServer {
  readonly #server: Server;
  readonly #keys = new IdempotencyKeys();
  readonly #guard: RequestGuard;
  /** Connections without a request so far (browsers open some ahead): nothing else would close them. */
  readonly #fresh: PendingConnections;
  #ready: Ready | null = null;

  constructor(
    guard: RequestGuard,
    encryption: Encryption,
    { authenticationTimeoutMs, pendingConnectionsMax, connectionsMax, pgPort }: Config,
  ) {
    this.#guard = guard;
    this.#fresh = new PendingConnections(pendingConnectionsMax);
    // Before its headers are here nobody knows whose request it is.
    const headersMs = Math.min(HTTP_HEADERS_TIMEOUT_MS, authenticationTimeoutMs);
    this.#server = createServer(
      {
        headersTimeout: headersMs,
        requestTimeout: HTTP_REQUEST_TIMEOUT_MS,
        connectionsCheckingInterval: Math.min(HTTP_CHECK_MS, headersMs),
        maxHeaderSize: HTTP_HEADER_BYTES_MAX,
      },
      (request, response) => {
        this.#fresh.remove(request.socket);
        void this.#answer(request, response);
      },
    );
    // Whoever is kept alive between two requests counts here alone.
    this.#server.maxConnections = connectionsMax + pendingConnectionsMax;
    speakTls(this.#server, encryption, this.#fresh, headersMs);
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#server.on('clientError', (error: ParseError, socket) => {
      if (turnPostgresClientAway(socket, error.rawPacket, pgPort)) return;
      const status = CLIENT_ERRORS[error.code ?? ''] ?? '400 Bad Request';
      if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\n\r\n`);
    });
  }

  open(ready: Ready): void {
    this.#ready = ready;
  }

  listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  close(limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#server.closeAllConnections(), limitMs);
      // A connection that was busy becomes idle when its answer has gone, and would be kept alive.
      const sweep = setInterval(() => this.#server.closeIdleConnections(), IDLE_SWEEP_MS);
      this.#server.close(() => {
        clearTimeout(timer);
        clearInterval(sweep);
        resolve();
      });
      this.#fresh.close();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A client that goes away in the middle is no error of the server's.
    request.on('error', () => {});
    response.on('error', () => {});
    const context = this.#ready?.context;
    let route: Route | null = null;
    try {
      if (!this.#guard(request)) throw foreignRequest();
      route = this.#route(request);
      const login = route.open || this.#ready === null ? OWNER : await this.#ready.logins.login(request);
      await route.handle(request, response, login);
    } catch (error) {
      if (!response.writableEnded && !response.destroyed) {
        const { status, error: told, headers } = asHttpError(error, context);
        // Who is not in gets no time to send what nobody will read.
        const over = LOGIN_STATUS.has(status) && !request.complete ? { connection: 'close' } : {};
        sendError(response, status, told, { ...headers, ...over });
      }
      discardRest(request);
    } finally {
      context?.metrics.requests.inc({ route: route?.name ?? 'none', status: `${response.statusCode}` });
    }
  }

  #route(request: IncomingMessage): Route {
    const url = parseTarget(request);
    const parts = url.pathname.split('/').slice(1).map(decodePart);
    const routes = this.#routesFor(parts, url.searchParams);
    if (routes.length === 0)
      throw new HttpError(404, new SqlError('42704', `there is nothing at ${url.pathname}`, { hint: PATHS }));
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const route = routes.find((candidate) => candidate.method === method);
    if (route === undefined) {
      const allow = routes.map((candidate) => candidate.method).join(', ');
      const error = new SqlError('0A000', `method ${request.method} is not supported here`, {
        hint: `${allow} is; rows are read by GET /views/{name}, statements run by POST /query.`,
      });
      throw new HttpError(405, error, { allow });
    }
    return route;
  }

  #routesFor(parts: readonly string[], parameters: URLSearchParams): readonly Route[] {
    const [first, second = '', third] = parts;
    const get = (name: string, handle: Handler): readonly Route[] => [{ name, method: 'GET', handle }];
    const post = (name: string, handle: Handler): readonly Route[] => [{ name, method: 'POST', handle }];
    const open = (name: string, status: string): Route => ({
      name,
      method: 'GET',
      handle: (_, response) => sendJson(response, 200, { status }),
      open: true,
    });
    const path = `${first}/${parts.length}`;
    if (path === 'healthz/1') {
      return [open('/healthz', 'ok')];
    }
    if (this.#ready === null) throw new HttpError(503, notReady(), { 'retry-after': '1' });
    const { context, logins, page } = this.#ready;
    switch (path) {
      case '/1':
        return get('/', (_, response) => sendPage(page, response));
      case 'readyz/1':
        return [open('/readyz', 'ready')];
      case 'metrics/1':
        return get('/metrics', (_, response, login) => {
          if (!logins.mayMonitor(login)) throw new HttpError(403, notMonitor());
          return sendMetrics(context, response);
        });
      case 'query/1':
        return post('/query', (request, response, login) => postQuery(context, login, request, response));
      case 'live/1':
        return get('/live', (request, response, login) =>
          getLive(context, login, parameters, request, response),
        );
      case 'streams/2':
        return post('/streams', (request, response, login) =>
          postRows(context, login, this.#keys, second, request, response),
        );
      case 'views/2':
        return get('/views', (request, response, login) =>
          getView(context, login, second, parameters, request, response),
        );
      case 'views/3':
        if (third !== 'live') return [];
        return get('/views/live', (request, response, login) =>
          getViewLive(context, login, second, request, response),
        );
      case 'ws/1':
        return get('/ws', () => {
          throw new HttpError(426, new SqlError('08P01', '/ws speaks WebSocket'), { upgrade: 'websocket' });
        });
      default:
        return [];
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#fresh.remove(socket);
    socket.on('error', () => socket.destroy());
    const refuse = (status: string, headers: Readonly<Record<string, string>> = {}): void => {
      const lines = Object.entries({ ...headers, connection: 'close' }).map(
        ([name, value]) => `${name}: ${value}`,
      );
      socket.end(`HTTP/1.1 ${status}\r\n${lines.join('\r\n')}\r\n\r\n`);
    };
    const refusal = this.#refusal(request);
    if (refusal !== null || this.#ready === null) {
      refuse(refusal ?? '503 Service Unavailable');
      return;
    }
    const { logins, sockets, context } = this.#ready;
    logins.login(request).then(
      (login) => sockets.upgrade(login, request, socket, head),
      (error: unknown) => {
        const { status, headers } = asHttpError(error, context);
        refuse(`${status} ${STATUS_CODES[status]}`, headers);
      },
    );
  }

  /** The status line of an upgrade that is not let through. */
  #refusal(request: IncomingMessage): string | null {
    if (!this.#guard(request)) return '403 Forbidden';
    if (this.#ready === null) return '503 Service Unavailable';
    try {
      return parseTarget(request).pathname === '/ws' ? null : '404 Not Found';
    } catch {
      return '400 Bad Request';
    }
  }
}

function asHttpError(error: unknown, context: ServerContext | undefined): HttpError {
  if (error instanceof HttpError) return error;
  const flat = context === undefined ? notReady() : flattenError(error, context.log);
  return new HttpError(statusOf(flat), flat);
}

const notMonitor = (): SqlError =>
  new SqlError('42501', 'permission denied for metrics', {
    hint: 'Superusers and members of pg_monitor may read them.',
  });

const notReady = (): SqlError => new SqlError('57P03', 'the server is starting up');

function sendPage(page: string, response: ServerResponse): void {
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy':
      "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-cache',
  });
  response.end(page);
}

async function sendMetrics({ metrics, engine }: ServerContext, response: ServerResponse): Promise<void> {
  const text = await metrics.text(engine);
  response.writeHead(200, { 'content-type': metrics.contentType });
  response.end(text);
}

function parseTarget(request: IncomingMessage): URL {
  const target = request.url ?? '/';
  if (!target.startsWith('/') || !URL.canParse(`http://host${target}`)) {
    throw new HttpError(400, new SqlError('22023', 'the request target is not a path'));
  }
  return new URL(`http://host${target}`);
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new HttpError(400, new SqlError('22023', 'the path is not well-formed'));
  }
}

function foreignRequest(): HttpError {
  const error = new SqlError('28000', 'requests of other origins are refused', {
    detail: 'The Host or Origin header names another site.',
    hint: 'Ask under the address that the server listens on or, over HTTPS, a name of its certificate.',
  });
  return new HttpError(403, error, { connection: 'close' });
}
