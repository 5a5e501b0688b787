/** GET /views/{name}: the current rows of a view, table or stream, a page at a time where it is long. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SqlError } from '../../common/sql-error.ts';
import { formatType } from '../../common/types.ts';
import { formatDatum } from '../../common/value-text.ts';
import { readDatum } from '../../runtime/batch/datum.ts';
import type { RelationDefinition } from '../../runtime/plan/relation.ts';
import { HTTP_ROWS_MAX } from '../limits.ts';
import type { Result } from '../results/result-cache.ts';
import type { ServerContext } from '../server-context.ts';
import type { Login } from '../session/login.ts';
import { closeSession, openSession } from '../session/open-session.ts';
import { relationKey, relationSchema } from '../session/relation-shape.ts';
import { NO_ARGUMENTS } from '../session/arguments.ts';
import type { Session } from '../session/session.ts';
import { type Collected, collectRows } from './collect-rows.ts';
import { acceptedFormat } from './negotiate.ts';
import { findRelation, qualifiedName, quoteIdentifier, quoteLiteral } from './relation-name.ts';
import { sendResult } from './send-result.ts';

/** Where the next page starts: after this key, or after so many rows. */
type Place = Readonly<{ key: readonly (string | null)[] }> | Readonly<{ offset: number }>;

export async function getView(
  context: ServerContext,
  login: Login,
  name: string,
  parameters: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const relation = findRelation(context.catalog.current, name);
  if (relation.kind === 'sink') throw new SqlError('42809', `"${relation.name}" is a sink and has no rows`);
  const format = acceptedFormat(request);
  const limit = readLimit(parameters.get('limit'));
  const key = relationKey(relation);
  const place = readPlace(parameters.get('after'), key);
  const session = openSession(context, login, () => {});
  response.on('close', () => session.cancel());
  try {
    const [statement] = session.parse(pageQuery(relation, key, place, limit));
    // whoever may not read it is not told either whether it changed
    const planned = await session.planText(statement!, NO_ARGUMENTS);
    const etag = await entityTag(session, relation, format);
    if (etag !== null && namesTag(request.headers['if-none-match'], etag)) {
      response.writeHead(304, { etag }).end();
      return;
    }
    const { results } = context;
    const evaluate = async (): Promise<Result> => {
      const outcome =
        results.rowsOf(session, planned, NO_ARGUMENTS) ?? (await session.execute(statement!, NO_ARGUMENTS));
      if (outcome.kind !== 'rows') throw new SqlError('XX000', 'a SELECT gives rows');
      const collected = await collectRows(session, outcome, format);
      const next = collected.rows < limit ? null : nextPlace(relation, key, place, collected);
      const { body, rows, tick } = collected;
      return { columns: outcome.columns, body, rows, next, tick };
    };
    const question = { statement: statement!, given: NO_ARGUMENTS, format: `page ${format}` };
    const pageKey = results.keyOf(session, planned, question);
    const page =
      (pageKey === null ? null : await results.answer(pageKey, session, evaluate)) ?? (await evaluate());
    const { next } = page;
    const headers = {
      ...(etag === null ? {} : { etag, 'cache-control': 'no-cache' }),
      ...(next === null || format === 'json' ? {} : { 'millrace-next': next }),
    };
    sendResult(response, format, page, { tick: page.tick, next }, headers);
  } finally {
    closeSession(session);
  }
}

/** If-None-Match: a list of tags, each perhaps weak, or `*`. */
function namesTag(header: string | undefined, etag: string): boolean {
  const tags = header?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? [];
  return tags.includes(etag) || tags.includes('*');
}

/** No limit: one row more than an answer may have, so that the bound tells. */
function readLimit(text: string | null): number {
  if (text === null) return HTTP_ROWS_MAX + 1;
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(limit >= 1 && limit <= HTTP_ROWS_MAX)) {
    throw new SqlError('22023', `limit must be 1 to ${HTTP_ROWS_MAX}`);
  }
  return limit;
}

/** A view's rows may depend on the clock and on other relations: it has no tag. */
async function entityTag(
  { context, role }: Session,
  relation: RelationDefinition,
  format: string,
): Promise<string | null> {
  if (relation.kind === 'view' || relation.kind === 'sink') return null;
  // what policies show may change with the token
  if (relation.rowSecurity?.enabled === true) return null;
  const changed = context.engine.changes.of(relation.oid);
  return `"${relation.oid}-${context.catalog.current.version}-${changed}-${role}-${format}"`;
}

function readPlace(after: string | null, key: readonly number[] | null): Place {
  if (after === null) return { offset: 0 };
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(after, 'base64url').toString('utf8'));
  } catch {
    value = null;
  }
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && key === null)
    return { offset: value };
  const isKey =
    Array.isArray(value) &&
    value.length === key?.length &&
    value.every((part) => part === null || typeof part === 'string');
  if (isKey) return { key: value as (string | null)[] };
  throw new SqlError('22023', 'after is not a value that an earlier answer gave');
}

function nextPlace(
  relation: RelationDefinition,
  key: readonly number[] | null,
  place: Place,
  page: Collected,
): string | null {
  const { last } = page;
  if (last === null) return null;
  const schema = relationSchema(relation);
  const value =
    key === null
      ? ('offset' in place ? place.offset : 0) + page.rows
      : key.map((ordinal) => {
          const { type } = schema[ordinal]!;
          const datum = readDatum(last.columns[ordinal]!, last.rows - 1, type);
          return datum === null ? null : formatDatum(datum, type);
        });
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function pageQuery(
  relation: RelationDefinition,
  key: readonly number[] | null,
  place: Place,
  limit: number,
): string {
  const schema = relationSchema(relation);
  const names = schema.map((column) => quoteIdentifier(column.name));
  let sql = `SELECT ${names.join(', ')} FROM ${qualifiedName(relation)}`;
  if (key !== null) {
    if ('key' in place) {
      const terms = key.map((ordinal, i) => ({
        name: names[ordinal]!,
        value: literal(place.key[i] ?? null, formatType(schema[ordinal]!.type)),
      }));
      sql += ` WHERE ${afterKey(terms)}`;
    }
    sql += ` ORDER BY ${key.map((ordinal) => names[ordinal]).join(', ')}`;
  }
  sql += ` LIMIT ${limit}`;
  return 'offset' in place && place.offset > 0 ? `${sql} OFFSET ${place.offset}` : sql;
}

type Term = Readonly<{ name: string; value: string | null }>;

const literal = (text: string | null, type: string): string | null =>
  text === null ? null : `CAST(${quoteLiteral(text)} AS ${type})`;

/** Rows whose key comes after these values, NULLs last: k1 > v1 OR (k1 = v1 AND (k2 > v2 OR …)). */
function afterKey([first, ...rest]: readonly Term[]): string {
  const { name, value } = first!;
  const greater = value === null ? 'false' : `(${name} > ${value} OR ${name} IS NULL)`;
  if (rest.length === 0) return greater;
  const equal = value === null ? `${name} IS NULL` : `${name} = ${value}`;
  return `(${greater} OR (${equal} AND ${afterKey(rest)}))`;
}
