/** millrace.watermark('stream'): the stream's watermark as of the last tick, read like a scalar sub-query. */
import type { FuncCall, Node } from 'libpg-query';
import { shownName } from '../../runtime/plan/relation.ts';
import { parseStatements, syntaxOf } from '../parse/parse.ts';
import { type Bound, typed } from './bound.ts';
import { constantName } from './constant-name.ts';
import type { ExpressionBinder } from './expression-binder.ts';

export function bindWatermark(binder: ExpressionBinder, call: FuncCall): Bound {
  const { context } = binder;
  const location = call.location ?? 0;
  const name = constantName(binder, call, 'millrace.watermark', 'stream');
  const shown = streamNamed(binder, name.text, name.location);
  const { gathered } = context;
  gathered.firstSubquery ??= location;
  gathered.subqueries.push(binder.environment.planSubquery(binder, watermarkQuery(shown)));
  return typed(
    { kind: 'subquery', index: gathered.subqueries.length - 1, type: { name: 'timestamptz' } },
    location,
  );
}

/** The stream's name in millrace.watermarks; null while a parameter's value is not known yet. */
function streamNamed(binder: ExpressionBinder, name: string | null, location: number): string | null {
  if (name === null) return null;
  const found = binder.context.relation(null, name);
  if (found?.kind === 'relation' && found.definition.kind === 'stream') return shownName(found.definition);
  const { context } = binder;
  if (found === null) throw context.error(location, '42P01', `relation "${name}" does not exist`);
  throw context.error(location, '42809', `"${name}" is not a stream`);
}

function watermarkQuery(name: string | null): Node {
  const literal = name === null ? 'NULL' : `'${name.replaceAll("'", "''")}'`;
  const [parsed] = parseStatements(
    `SELECT min(watermark) FROM millrace.watermarks WHERE stream = ${literal}`,
  );
  const syntax = parsed === undefined ? undefined : syntaxOf(parsed);
  return syntax?.kind === 'postgres' ? syntax.node : ({} as Node);
}
