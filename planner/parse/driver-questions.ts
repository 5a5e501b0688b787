/**
 * What drivers ask the catalog before their first query. pg_catalog is not served, so the question is known by its text
 * and answered from the types there are; a driver that got an error here could not connect at all.
 */
import { arrayTypeOids } from '../../common/types.ts';

/** postgres.js, once a connection, unless `fetch_types` is false: which array type goes with which element. */
const ARRAY_TYPES =
  'select b.oid, b.typarray from pg_catalog.pg_type a' +
  ' left join pg_catalog.pg_type b on b.oid = a.typelem' +
  " where a.typcategory = 'A' group by b.oid, b.typarray order by b.oid";
const LENGTH_MAX = 400;

/** A query in place of the driver's; undefined for every other text. */
export function answerToDriver(sql: string): string | undefined {
  if (sql.length > LENGTH_MAX || !sql.includes('typarray')) return undefined;
  if (sql.trim().replace(/\s+/g, ' ') !== ARRAY_TYPES) return undefined;
  const rows = arrayTypeOids().map(({ element, array }) => `(${element}, ${array})`);
  return `SELECT oid, typarray FROM (VALUES ${rows.join(', ')}) AS types (oid, typarray) ORDER BY oid`;
}
