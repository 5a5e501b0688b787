import { LRUCache } from 'lru-cache';
import {
  mayHoldSecret,
  ParameterUse,
  parseStatements,
  PlanTemplate,
  planStatement,
} from '../../planner/planner.ts';
import type { ParsedStatement, PlanContext, Planned } from '../../planner/statement.ts';
import {
  KEPT_KEY_CHARACTERS_MAX,
  KEPT_TEXT_CHARACTERS_MAX,
  LARGE_TEXT_BYTES,
  PLAN_CACHE_ENTRIES,
} from '../limits.ts';

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
/** Those that are carried out with values: the catalog's gets them as they are. */
const TEMPLATE_KINDS: ReadonlySet<string> = new Set(['query', 'write']);

/** Parsed texts and plans that any session may use again. */
export class PlanCache {
  readonly #parsed = new LRUCache<string, readonly ParsedStatement[]>({ max: PLAN_CACHE_ENTRIES });
  readonly #planned = new LRUCache<string, Planned>({ max: PLAN_CACHE_ENTRIES });
  /** By statement, then by the values that the plan depends on. */
  readonly #templates = new LRUCache<string, PlanTemplate>({ max: PLAN_CACHE_ENTRIES });
  /** Which these are, by statement: all that a plan of it has been seen to depend on. */
  readonly #read = new LRUCache<string, readonly number[]>({ max: PLAN_CACHE_ENTRIES });
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
    if (parsed.text.length > LARGE_TEXT_BYTES) return planStatement(parsed, context);
    if (context.parameterValues !== undefined) return this.#planFor(context.parameterValues, parsed, context);
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

  #planFor(values: readonly (string | null)[], parsed: ParsedStatement, context: PlanContext): Planned {
    if (parsed.text.length > KEPT_TEXT_CHARACTERS_MAX) return planStatement(parsed, context);
    const statement = `${values.length} ${cacheKey(parsed, context)}`;
    const known = this.#read.get(statement);
    const found = known === undefined ? undefined : this.#templates.get(valueKey(statement, known, values));
    if (found !== undefined) {
      this.hits++;
      return found.planned(context);
    }
    this.misses++;
    const use = new ParameterUse();
    const planned = planStatement(parsed, { ...context, parameterUse: use });
    const template = TEMPLATE_KINDS.has(planned.statement.kind) ? PlanTemplate.of(planned, use) : null;
    if (template === null) return planned;
    // What the plan depends on may depend on values too: with more of them in the key none is taken for another.
    const read = [...new Set([...(known ?? []), ...template.read])].sort((a, b) => a - b);
    const key = valueKey(statement, read, values);
    if (key.length <= KEPT_KEY_CHARACTERS_MAX) {
      this.#read.set(statement, read);
      this.#templates.set(key, template);
    }
    return template.planned(context);
  }
}

const valueKey = (statement: string, read: readonly number[], values: readonly (string | null)[]): string =>
  read.length === 0 ? statement : `${JSON.stringify(read.map((number) => values[number - 1]))} ${statement}`;

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
