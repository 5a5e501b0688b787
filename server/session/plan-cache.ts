import { LRUCache } from 'lru-cache';
import { mayHoldSecret, parseStatements, planStatement } from '../../planner/planner.ts';
import type { ParsedStatement, PlanContext, Planned } from '../../planner/statement.ts';
import { LARGE_TEXT_BYTES, PLAN_CACHE_ENTRIES } from '../limits.ts';

/** Settings that change what a text means; the rest only change how results are printed. */
export const MEANING = [
  'timezone',
  'datestyle',
  'intervalstyle',
  'millrace.sql_dialect',
  'standard_conforming_strings',
  'row_security',
];

/** Statements whose plan holds nothing but what the key names (DDL allocates OIDs, SHOW reads a session). */
const CACHED_KINDS: ReadonlySet<string> = new Set(['query', 'catalog', 'write', 'subscribe']);

/** Parsed texts and plans that any session may use again. */
export class PlanCache {
  readonly #parsed = new LRUCache<string, readonly ParsedStatement[]>({ max: PLAN_CACHE_ENTRIES });
  readonly #planned = new LRUCache<string, Planned>({ max: PLAN_CACHE_ENTRIES });
  hits = 0;
  misses = 0;

  parse(text: string): readonly ParsedStatement[] {
    if (text.length > LARGE_TEXT_BYTES || mayHoldSecret(text)) return parseStatements(text);
    let statements = this.#parsed.get(text);
    if (statements === undefined) {
      statements = parseStatements(text);
      this.#parsed.set(text, statements);
    }
    return statements;
  }

  plan(parsed: ParsedStatement, context: PlanContext): Planned {
    if (context.parameterValues !== undefined || parsed.text.length > LARGE_TEXT_BYTES) {
      return planStatement(parsed, context);
    }
    const key = cacheKey(parsed, context);
    const cached = this.#planned.get(key);
    if (cached !== undefined) {
      this.hits++;
      return cached;
    }
    this.misses++;
    const planned = planStatement(parsed, context);
    // described without its parameters' values, a statement is the same each time
    if ((planned.cacheable || planned.repeatable === true) && CACHED_KINDS.has(planned.statement.kind))
      this.#planned.set(key, planned);
    return planned;
  }
}

function cacheKey(parsed: ParsedStatement, context: PlanContext): string {
  const settings = MEANING.map((name) => context.settings.get(name) ?? '');
  return JSON.stringify([
    context.catalog.version,
    context.role,
    context.user,
    context.sessionUser,
    context.claims,
    context.searchPath,
    context.parameterTypes,
    settings,
    parsed.text,
  ]);
}
