/** What a WebSocket client may ask, checked: anything else is 08P01 or 22023. */
import { SqlError } from '../../common/sql-error.ts';
import { parseExactJson } from '../http/exact-json.ts';

export type ClientId = string | number;

export type ClientMessage =
  | Readonly<{
      op: 'subscribe';
      id: ClientId;
      sql: string;
      params: readonly unknown[];
      snapshot: boolean | undefined;
      asOf: number | undefined;
      slow: 'conflate' | 'disconnect';
    }>
  | Readonly<{ op: 'unsubscribe'; id: ClientId }>
  | Readonly<{ op: 'insert'; id: ClientId; stream: string; rows: readonly unknown[] }>
  | Readonly<{ op: 'query'; id: ClientId; sql: string; params: readonly unknown[] }>;

type Members = Readonly<Record<string, unknown>>;

export function parseClientMessage(data: Buffer, binary: boolean): Members {
  if (binary) throw new SqlError('08P01', 'messages must be text');
  const value = parseExactJson(data.toString('utf8'));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SqlError('08P01', 'a message must be a JSON object');
  }
  return value as Members;
}

/** The id that an answer carries, also when the rest of the message is wrong. */
export function idOf(members: Members): ClientId | null {
  const { id } = members;
  return typeof id === 'string' || typeof id === 'number' ? id : null;
}

export function readClientMessage(members: Members): ClientMessage {
  const id = idOf(members);
  if (id === null) throw new SqlError('08P01', 'a message must have "id", a string or a number');
  switch (members['op']) {
    case 'subscribe':
      return {
        op: 'subscribe',
        id,
        sql: text(members, 'sql'),
        params: list(members, 'params', []),
        snapshot: optional(members, 'snapshot', 'boolean'),
        asOf: readTick(members),
        slow: readSlow(members),
      };
    case 'unsubscribe':
      return { op: 'unsubscribe', id };
    case 'insert':
      return { op: 'insert', id, stream: text(members, 'stream'), rows: list(members, 'rows') };
    case 'query':
      return { op: 'query', id, sql: text(members, 'sql'), params: list(members, 'params', []) };
    default:
      throw new SqlError('08P01', `unknown op ${JSON.stringify(members['op']) ?? 'undefined'}`, {
        hint: 'Known are subscribe, unsubscribe, insert and query.',
      });
  }
}

function text(members: Members, name: string): string {
  const value = members[name];
  if (typeof value !== 'string') throw new SqlError('22023', `"${name}" must be a string`);
  return value;
}

function list(members: Members, name: string, absent?: readonly unknown[]): readonly unknown[] {
  const value = members[name] ?? absent;
  if (!Array.isArray(value)) throw new SqlError('22023', `"${name}" must be an array`);
  return value;
}

function optional(members: Members, name: string, type: 'boolean'): boolean | undefined {
  const value = members[name] ?? undefined;
  if (value !== undefined && typeof value !== type)
    throw new SqlError('22023', `"${name}" must be a ${type}`);
  return value as boolean | undefined;
}

function readTick(members: Members): number | undefined {
  const value = members['as_of'] ?? undefined;
  if (value === undefined) return undefined;
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw new SqlError('22023', '"as_of" must be a tick');
  return value as number;
}

function readSlow(members: Members): 'conflate' | 'disconnect' {
  const value = members['slow'] ?? 'conflate';
  if (value !== 'conflate' && value !== 'disconnect') {
    throw new SqlError('22023', '"slow" must be "conflate" or "disconnect"');
  }
  return value;
}
