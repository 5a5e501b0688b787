/** What binding one statement needs to know, and what it gathers on the way. */
import type { FuncCall } from 'libpg-query';
import { SqlError } from '../../common/sql-error.ts';
import type { QueryPlan } from '../../runtime/plan/query-plan.ts';
import type { KnownRelation, Oid, RelationDefinition, Requirement } from '../../runtime/plan/relation.ts';
import type { Catalog } from '../catalog.ts';
import type { SourceText } from '../parse/source-text.ts';
import type { StreamClauses } from '../parse/statement-syntax.ts';
import type { PlanContext, Planned, Signal } from '../statement.ts';
import type { LiteralSettings } from './literal.ts';
import { literalSettings } from './literal.ts';
import { Parameters } from './parameters.ts';
import { type Found, findRelation } from './relation-lookup.ts';

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
  /** Whose privileges count: those of the owner of this view; null: the session's. */
  readonly view: Oid | null;
  readonly role: Oid;
  /** Relations whose policies are open around this one. */
  readonly guarded: ReadonlySet<Oid>;
  /** How many views are open around this one. */
  readonly viewDepth: number;
  readonly #names: readonly KnownRelation[];

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
      view: Oid | null;
      guarded: ReadonlySet<Oid>;
      viewDepth: number;
      names: readonly KnownRelation[];
    }> = {},
  ) {
    this.plan = plan;
    this.catalog = plan.catalog;
    this.source = source;
    this.clauses = clauses;
    this.searchPath = overrides.searchPath ?? plan.searchPath;
    this.timeZone = overrides.timeZone ?? plan.settings.get('timezone') ?? 'UTC';
    const gathered = overrides.gathered ?? new Gathered();
    this.gathered = gathered;
    this.literals = literalSettings(
      this.timeZone,
      overrides.dateStyle ?? plan.settings.get('datestyle') ?? 'ISO, MDY',
      () => {
        gathered.forbidCaching();
        return plan.now;
      },
    );
    this.parameters = overrides.parameters ?? new Parameters(plan, this.literals);
    this.view = overrides.view ?? null;
    this.guarded = overrides.guarded ?? new Set();
    const owner = this.view === null ? undefined : plan.catalog.relationByOid(this.view)?.owner;
    this.role = owner ?? plan.role;
    this.viewDepth = overrides.viewDepth ?? 0;
    this.#names = overrides.names ?? [];
  }

  /** By name, as search_path says; in a view's text, what it meant when the view was made. */
  relation(schema: string | null, name: string): Found | null {
    const known = this.#names.find((n) => n.schema === schema && n.name === name);
    if (known !== undefined) {
      const definition = this.catalog.relationByOid(known.oid);
      // another relation may have the name now: it is not what was meant
      if (definition === undefined) return null;
      return { kind: 'relation', definition: underOldNames(definition, known.columns) };
    }
    const found = findRelation(this, schema, name);
    if (found?.kind === 'relation' && this.viewDepth === 0)
      this.gathered.know(schema, name, found.definition);
    return found;
  }

  /** The same surroundings for a sub-query that is a plan of its own. */
  forSubquery(): BindingContext {
    return new BindingContext(this.plan, this.source, this.clauses, {
      searchPath: this.searchPath,
      timeZone: this.timeZone,
      parameters: this.parameters,
      gathered: new Gathered(this.gathered),
      view: this.view,
      guarded: this.guarded,
      viewDepth: this.viewDepth,
      names: this.#names,
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

function underOldNames(definition: RelationDefinition, names: readonly string[]): RelationDefinition {
  if (definition.kind === 'sink' || definition.columns.every((c, i) => c.name === names[i]))
    return definition;
  const columns = definition.columns.map((c, i) => ({ ...c, name: names[i] ?? c.name }));
  return { ...definition, columns };
}

/** Queries in one statement, those of views and WITH counted wherever they are named: they are bound each time. */
const QUERIES_MAX = 5000;

type Totals = { queries: number; cacheable: boolean; usesClaims: boolean };

export class Gathered {
  readonly relations: Set<Oid>;
  /** What the names in the statement's own text mean. */
  readonly names: KnownRelation[];
  readonly notices: Notice[];
  /** set_config(…): the session carries it out. */
  readonly settings: { name: string; value: string | null; local: boolean }[];
  /** pg_cancel_backend(…), pg_terminate_backend(…): likewise. */
  readonly signals: Signal[];
  /** Calls that may do these two, in this statement. */
  acting: ReadonlySet<FuncCall> = new Set();
  /** What the plan needs the right to. */
  readonly #requirements: Map<string, Requirement>;
  readonly subqueries: QueryPlan[] = [];
  /** Byte location of the first sub-query in an expression: a continuous query can't have one. */
  firstSubquery: number | null = null;
  /** Shared with the sub-queries. */
  readonly #totals: Totals;

  constructor(parent: Gathered | null = null) {
    this.#totals = parent?.totals ?? { queries: 0, cacheable: true, usesClaims: false };
    this.relations = parent?.relations ?? new Set();
    this.names = parent?.names ?? [];
    this.#requirements = parent?.requirementsByKey ?? new Map();
    this.notices = parent?.notices ?? [];
    this.settings = parent?.settings ?? [];
    this.signals = parent?.signals ?? [];
  }

  know(schema: string | null, name: string, definition: RelationDefinition): void {
    if (definition.kind === 'sink' || this.names.some((n) => n.schema === schema && n.name === name)) return;
    this.names.push({ schema, name, oid: definition.oid, columns: definition.columns.map((c) => c.name) });
  }

  require(requirement: Requirement): void {
    const { relation, view, privilege, policies } = requirement;
    this.#requirements.set(`${relation} ${view} ${privilege} ${policies}`, requirement);
  }

  get requirements(): readonly Requirement[] {
    return [...this.#requirements.values()];
  }

  get requirementsByKey(): Map<string, Requirement> {
    return this.#requirements;
  }

  get totals(): Totals {
    return this.#totals;
  }

  /** millrace.claim(…) was asked: what a session's token says. */
  get usesClaims(): boolean {
    return this.#totals.usesClaims;
  }

  claims(): void {
    this.#totals.usesClaims = true;
  }

  get cacheable(): boolean {
    return this.#totals.cacheable;
  }

  /** The plan holds a value that the next execution may not have. */
  forbidCaching(): void {
    this.#totals.cacheable = false;
  }

  /** 54001 where views or WITH multiply a statement beyond measure. */
  countQuery(): void {
    this.#totals.queries++;
    if (this.#totals.queries > QUERIES_MAX) {
      throw new SqlError('54001', 'statement too complex', {
        hint: `Views and WITH queries are expanded wherever they are named; at most ${QUERIES_MAX} queries may result.`,
      });
    }
  }
}
