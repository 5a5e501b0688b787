/** POST /streams/{name}: appends rows; those that can't be read are rejected one by one. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SqlError } from '../../common/sql-error.ts';
import { requireAccess } from '../../planner/planner.ts';
import type { IngestOptions } from '../../runtime/engine-client.ts';
import type { FormatOptions, Oid, StreamDefinition } from '../../runtime/plan/relation.ts';
import { IDEMPOTENCY_KEY_CHARACTERS_MAX, INGEST_BODY_BYTES_MAX, INGEST_HELD_BYTES_MAX } from '../limits.ts';
import type { ServerContext } from '../server-context.ts';
import type { Login } from '../session/login.ts';
import { HttpError, sendJson } from './http-error.ts';
import type { Acknowledged, IdempotencyKeys } from './idempotency-keys.ts';
import { findRelation } from './relation-name.ts';
import { bodyChunks, contentType } from './request-body.ts';

export async function postRows(
  context: ServerContext,
  login: Login,
  keys: IdempotencyKeys,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const stream = requireStream(context, name, login.role);
  const format = ingestFormat(stream, request);
  const key = idempotencyKey(request);
  await refuseUnderPressure(context);
  const { result, repeated } = await withBody(request, async (body) => {
    const append = (): Promise<Acknowledged> =>
      appendRows(context, stream, format, `POST /streams/${stream.name}`, body);
    if (key === null) return { result: await append(), repeated: false };
    return keys.once(`${login.role} ${stream.oid} ${key}`, body, append);
  });
  sendJson(response, 200, result, repeated ? { 'idempotent-replay': 'true' } : {});
}

/** null: none. */
function idempotencyKey(request: IncomingMessage): string | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key === 'string' && key !== '' && key.length <= IDEMPOTENCY_KEY_CHARACTERS_MAX) return key;
  throw new HttpError(
    400,
    new SqlError('22023', `Idempotency-Key must have 1 to ${IDEMPOTENCY_KEY_CHARACTERS_MAX} characters`),
  );
}

/** 42501 unless the role may append to it. */
export function requireStream(context: ServerContext, name: string, role: Oid): StreamDefinition {
  const relation = findRelation(context.catalog.current, name);
  if (relation.kind !== 'stream') {
    throw new SqlError('42809', `"${relation.name}" is not a stream`, {
      hint: 'Rows are appended to streams only.',
    });
  }
  requireAccess(context.catalog.current, role, relation, 'a');
  return relation;
}

const JSON_FORMAT: FormatOptions = {
  format: 'json',
  header: false,
  delimiter: ',',
  nullText: '',
  timestampUnit: null,
};

function ingestFormat(stream: StreamDefinition, request: IncomingMessage): IngestOptions['format'] {
  const { type, parameters } = contentType(request);
  const { format: own } = stream;
  switch (type) {
    case 'application/x-ndjson':
    case 'application/ndjson':
    case 'application/jsonl':
    case 'application/x-jsonlines':
      return own.format === 'json' ? own : { ...JSON_FORMAT, timestampUnit: own.timestampUnit };
    case 'application/json':
      return { format: 'json-array', timestampUnit: own.timestampUnit };
    case 'text/csv': {
      const csv: FormatOptions =
        own.format === 'csv' ? own : { ...JSON_FORMAT, format: 'csv', timestampUnit: own.timestampUnit };
      const header = parameters.get('header');
      return header === undefined ? csv : { ...csv, header: header === 'present' };
    }
    case 'application/vnd.apache.arrow.stream':
      return { format: 'arrow', timestampUnit: own.timestampUnit };
    default:
      throw new HttpError(
        415,
        new SqlError(
          '0A000',
          type === '' ? 'the request has no Content-Type' : `content type "${type}" is not supported`,
          {
            hint: 'Send application/x-ndjson, application/json (an array), text/csv or application/vnd.apache.arrow.stream.',
          },
        ),
      );
  }
}

/** Ordinals that a positional format fills: all but the generated ones. */
export function ingestColumns(stream: StreamDefinition): readonly number[] {
  return stream.columns.flatMap((column, i) => (column.generated === null ? [i] : []));
}

/** Bodies under way, all requests together. */
let heldBytes = 0;

/**
 * The body is read to its end before anything of it is admitted, and lands in one tick: one that is too long, or breaks
 * off, leaves nothing behind.
 */
async function withBody<T>(request: IncomingMessage, work: (body: Buffer) => Promise<T>): Promise<T> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of bodyChunks(request, INGEST_BODY_BYTES_MAX)) {
      chunks.push(chunk);
      bytes += chunk.length;
      heldBytes += chunk.length;
      if (heldBytes > INGEST_HELD_BYTES_MAX) throw busy();
    }
    return await work(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
  } finally {
    heldBytes -= bytes;
  }
}

/** All rows of the text in one tick; bad ones go to rejected_rows. */
export async function appendRows(
  context: ServerContext,
  stream: StreamDefinition,
  format: IngestOptions['format'],
  label: string,
  text: Uint8Array,
): Promise<Acknowledged> {
  const ingest = context.engine.ingest({
    relation: stream.oid,
    columns: ingestColumns(stream),
    format,
    onError: 'reject',
    atomic: true,
    label,
  });
  try {
    // `push` resolves when the rows are admitted, which `end` is waited for anyway.
    if (text.length > 0) ingest.push(text).catch(() => {});
    const { accepted, rejected, tick } = await ingest.end();
    return { accepted, rejected, tick };
  } catch (error) {
    ingest.abort();
    throw error;
  }
}

/** 429 while the engine admits nothing: the client should come back rather than hold its connection. */
async function refuseUnderPressure(context: ServerContext): Promise<void> {
  const metrics = await context.engine.metrics();
  const used = metrics['millrace_memory_bytes'] ?? 0;
  const limit = metrics['millrace_memory_limit_bytes'] ?? Number.POSITIVE_INFINITY;
  if (limit > 0 && used >= limit) throw busy();
}

function busy(): HttpError {
  const error = new SqlError('53000', 'the server takes no more rows at the moment', {
    hint: 'Send the request again later.',
  });
  return new HttpError(429, error, { connection: 'close' });
}
