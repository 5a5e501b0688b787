import type { ServerResponse } from 'node:http';
import type { SqlError } from '../../common/sql-error.ts';
import type { SqlState } from '../../common/sql-state.ts';

/** An error with the HTTP status that its SQLSTATE doesn't tell. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly error: SqlError;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, error: SqlError, headers: Readonly<Record<string, string>> = {}) {
    super(error.message);
    this.status = status;
    this.error = error;
    this.headers = headers;
  }
}

/** The members of an error in JSON: HTTP bodies, WebSocket and SSE messages. */
export function errorMembers(error: SqlError): Readonly<Record<string, unknown>> {
  const { code, message, detail, hint, position } = error;
  return { code, message, detail: detail ?? null, hint: hint ?? null, position: position ?? null };
}

const NOT_FOUND: ReadonlySet<SqlState> = new Set([
  '42P01',
  '42704',
  '3F000',
  '42883',
  '34000',
  '26000',
  '58P01',
]);
const CONFLICT: ReadonlySet<SqlState> = new Set([
  '23505',
  '40001',
  '42P07',
  '42710',
  '42P06',
  '2BP01',
  '55000',
]);
const TOO_LARGE: ReadonlySet<SqlState> = new Set(['54000', '53400']);
const BUSY: ReadonlySet<SqlState> = new Set(['53200', '53000', '53300']);
const UNAVAILABLE: ReadonlySet<SqlState> = new Set(['57P01', '57P03', '53100']);

export function statusOf(error: SqlError): number {
  const { code } = error;
  if (code === '42501') return 403;
  if (NOT_FOUND.has(code)) return 404;
  if (CONFLICT.has(code)) return 409;
  if (TOO_LARGE.has(code)) return 413;
  if (BUSY.has(code)) return 429;
  if (UNAVAILABLE.has(code)) return 503;
  return code.startsWith('XX') || code.startsWith('58') ? 500 : 400;
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(`${JSON.stringify(body)}\n`);
}

export function sendError(
  response: ServerResponse,
  status: number,
  error: SqlError,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const retry = status === 429 || status === 503 ? { 'retry-after': '1' } : {};
  sendJson(response, status, errorMembers(error), { ...retry, ...headers });
}
