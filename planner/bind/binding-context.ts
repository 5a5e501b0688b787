/** What binding one statement needs to know, and what it gathers on the way. */
import { SqlError } from '../../common/sql-error.ts';
import type { Oid } from '../../runtime/plan/relation.ts';
import type { QueryPlan } from '../../runtime/plan/query-plan.ts';
import type { Catalog } from '../catalog.ts';
import type { SourceText } from '../parse/source-text.ts';
import type { StreamClauses } from '../parse/statement-syntax.ts';
import type { PlanContext, Planned } from '../statement.ts';
import type { LiteralSettings } from './literal.ts';
import { literalSettings } from './literal.ts';
import { Parameters } from './parameters.ts';

export type Notice = Planned['notices'][number];

/** Names, settings and what was found: one for the statement, a copy for each view that is expanded in it. */
export class BindingContext {
  readonly catalog: Catalog;
  readonly searchPath: readonly string[];
  readonly plan: PlanContext;
  readonly parameters: Parameters;
  readonly literals: LiteralSettings;
  readonly timeZone: string;
  readonly source: SourceText;
  readonly clauses: StreamClauses;
  readonly gathered: Gathered;
  /** How many views are open around this one. */
  readonly viewDepth: number;

  constructor(
    plan: PlanContext,
    source: SourceText,
    clauses: StreamClauses,
    overrides: Partial<{
      searchPath: readonly string[];
      timeZone: string;
      dateStyle: string;
      parameters: Parameters;
      gathered: Gathered;
      viewDepth: number;
    }> = {},
  ) {
    this.plan = plan;
    this.catalog = plan.catalog;
    this.source = source;
    this.clauses = clauses;
    this.searchPath = overrides.searchPath ?? plan.searchPath;
    this.timeZone = overrides.timeZone ?? plan.settings.get('timezone') ?? 'UTC';
    this.literals = literalSettings(
      this.timeZone,
      overrides.dateStyle ?? plan.settings.get('datestyle') ?? 'ISO, MDY',
      plan.now,
    );
    this.parameters = overrides.parameters ?? new Parameters(plan, this.literals);
    this.gathered = overrides.gathered ?? new Gathered();
    this.viewDepth = overrides.viewDepth ?? 0;
  }

  /** The same surroundings for a sub-query that is a plan of its own. */
  forSubquery(): BindingContext {
    return new BindingContext(this.plan, this.source, this.clauses, {
      searchPath: this.searchPath,
      timeZone: this.timeZone,
      parameters: this.parameters,
      gathered: new Gathered(this.gathered),
      viewDepth: this.viewDepth,
    });
  }

  /** An error at a byte location of the tree. */
  error(
    location: number | undefined,
    code: SqlError['code'],
    message: string,
    hint?: string,
    detail?: string,
  ): SqlError {
    return new SqlError(code, message, { position: this.source.position(location), hint, detail });
  }

  /** An error at a UTF-16 offset of a clause. */
  errorAtOffset(offset: number, code: SqlError['code'], message: string, hint?: string): SqlError {
    return new SqlError(code, message, { position: this.source.positionOfOffset(offset), hint });
  }

  /** UTF-16 offset of a tree location, by which the side table is keyed. */
  offset(location: number | undefined): number {
    return this.source.offset(location ?? 0);
  }
}

/** Queries in one statement, those of views and WITH counted wherever they are named: they are bound each time. */
const QUERIES_MAX = 5000;

export class Gathered {
  readonly relations: Set<Oid>;
  readonly notices: Notice[];
  /** set_config(…): the session carries it out. */
  readonly settings: { name: string; value: string | null; local: boolean }[];
  readonly subqueries: QueryPlan[] = [];
  /** Byte location of the first scalar sub-query: a continuous query can't have one. */
  firstSubquery: number | null = null;
  cacheable = true;

  readonly #queries: { count: number };

  constructor(parent: Gathered | null = null) {
    this.#queries = parent?.queries ?? { count: 0 };
    this.relations = parent?.relations ?? new Set();
    this.notices = parent?.notices ?? [];
    this.settings = parent?.settings ?? [];
  }

  get queries(): { count: number } {
    return this.#queries;
  }

  /** 54001 where views or WITH multiply a statement beyond measure. */
  countQuery(): void {
    this.#queries.count++;
    if (this.#queries.count > QUERIES_MAX) {
      throw new SqlError('54001', 'statement too complex', {
        hint: `Views and WITH queries are expanded wherever they are named; at most ${QUERIES_MAX} queries may result.`,
      });
    }
  }
}
