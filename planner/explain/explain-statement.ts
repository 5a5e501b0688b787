/** EXPLAIN [(ANALYZE, DURATION '10s', VERBOSE, FORMAT …)] query | name, and EXPLAIN SILENCE. */
import type { ExplainStmt, Node } from 'libpg-query';
import type { Schema } from '../../common/types.ts';
import type { QueryPlan } from '../../runtime/plan/query-plan.ts';
import type { RelationDefinition } from '../../runtime/plan/relation.ts';
import { requireRight } from '../authorize/requirements.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { findRelation, shownName } from '../bind/relation-lookup.ts';
import { durationMicros } from '../bind/window-specification.ts';
import type { CatalogQuery } from '../catalog-query/catalog-query.ts';
import { selectAll } from '../define/create-sink.ts';
import { optionValue } from '../define/create-view.ts';
import { NO_CLAUSES, type QualifiedName, type StatementSyntax } from '../parse/statement-syntax.ts';
import { outputColumns, planQueryNode } from '../plan-select.ts';
import { planSubscribeStatement } from '../session/subscribe.ts';
import type { ExplainLine, Planned, Statement } from '../statement.ts';
import { planned, type StatementContext, statementContext } from '../statement-context.ts';
import { explainPlan } from './explain-plan.ts';

type PostgresSyntax = Extract<StatementSyntax, { kind: 'postgres' }>;
type SilenceSyntax = Extract<StatementSyntax, { kind: 'explain-silence' }>;
type PlanNodeOf = (context: StatementContext, syntax: PostgresSyntax) => Planned;

type Options = Readonly<{
  analyze: boolean;
  verbose: boolean;
  /** The last two: of queries of the system catalog only. */
  format: 'text' | 'json' | 'xml' | 'yaml';
  formatLocation: number | undefined;
  durationMs: number;
  hasDuration: boolean;
}>;

const DURATION_DEFAULT_MS = 10_000;
const DURATION_NEEDS = 'DURATION needs EXPLAIN ANALYZE of a continuous query';
/** PostgreSQL's other options say nothing about plans of ours; tools send them. */
const IGNORED: ReadonlySet<string> = new Set([
  'costs',
  'settings',
  'buffers',
  'wal',
  'timing',
  'summary',
  'memory',
  'serialize',
  'generic_plan',
]);

export function planExplain(
  context: StatementContext,
  syntax: PostgresSyntax,
  explain: ExplainStmt,
  planNode: PlanNodeOf,
): Planned {
  const { binding } = context;
  const options = readOptions(binding, explain.options ?? []);
  const target = explainTarget(context, syntax, explain, planNode);
  if (target.kind === 'execute') {
    throw binding.error(
      -1,
      '0A000',
      'EXPLAIN EXECUTE is not supported',
      'EXPLAIN the statement itself, with its values.',
    );
  }
  if (target.kind === 'catalog') return planned(context, explained(binding, target, options));
  if (options.format === 'xml' || options.format === 'yaml') {
    throw binding.error(
      options.formatLocation,
      '0A000',
      `EXPLAIN FORMAT ${options.format.toUpperCase()} is not supported`,
      'Use TEXT or JSON.',
    );
  }
  const plan = planOf(target);
  if (options.analyze && plan === null)
    throw binding.error(-1, '0A000', 'EXPLAIN ANALYZE takes SELECT, SUBSCRIBE and materialized views only');
  const finite = 'tag' in target || ('plan' in target && (target.plan as QueryPlan).emit.kind === 'finite');
  if (options.hasDuration && (!options.analyze || finite)) {
    throw binding.error(-1, '22023', DURATION_NEEDS);
  }
  if (options.analyze && !finite)
    refuseHidden(binding, 'EXPLAIN ANALYZE of a continuous query counts all rows that reach it.');
  const lines = linesOf(binding, target, options.verbose);
  const columns: Schema = [
    { name: 'QUERY PLAN', type: { name: options.format === 'json' ? 'json' : 'text' } },
  ];
  const { verbose, format, durationMs } = options;
  const mode = options.analyze ? 'analyze' : 'plan';
  return planned(context, { kind: 'explain', mode, format, verbose, durationMs, target, lines }, columns);
}

/** The mirror reads the whole statement, its options too; what the query would set or signal it does not. */
function explained(binding: BindingContext, asked: CatalogQuery, { hasDuration }: Options): CatalogQuery {
  if (hasDuration) throw binding.error(-1, '22023', DURATION_NEEDS);
  return { ...asked, explains: true, settings: [], signals: [] };
}

type Target = Statement | RelationDefinition;

function explainTarget(
  context: StatementContext,
  syntax: PostgresSyntax,
  explain: ExplainStmt,
  planNode: PlanNodeOf,
): Target {
  if (syntax.explained !== null) return namedTarget(context.binding, syntax.explained);
  if (syntax.nested !== null) return planSubscribeStatement(context, syntax.nested);
  return planNode(context, { ...syntax, node: explain.query as Node }).statement;
}

/** A materialized view by its own plan, anything else as SELECT * FROM it. */
function namedTarget(binding: BindingContext, { schema, name, offset }: QualifiedName): Target {
  const found = findRelation(binding, schema, name);
  if (found === null)
    throw binding.errorAtOffset(offset, '42P01', `relation "${shownName(schema, name)}" does not exist`);
  if (
    found.kind === 'relation' &&
    (found.definition.kind === 'materialized-view' || found.definition.kind === 'sink')
  ) {
    requireRight(binding, found.definition, 'r');
    return found.definition;
  }
  const plan = planQueryNode(binding, selectAll(schema, name), NO_CLAUSES);
  return { kind: 'query', plan, columns: outputColumns(plan) };
}

function planOf(target: Target): QueryPlan | null {
  switch (target.kind) {
    case 'query':
    case 'materialized-view':
    case 'sink':
    case 'insert-continuous':
      return target.plan;
    case 'subscribe':
      return target.target.kind === 'plan' ? target.target.plan : null;
    default:
      return null;
  }
}

function linesOf(binding: BindingContext, target: Target, verbose: boolean): readonly ExplainLine[] {
  const line = (text: string): ExplainLine => ({ depth: 0, text, operator: null, properties: {} });
  const nested = (plan: QueryPlan): readonly ExplainLine[] =>
    explainPlan(plan, binding.catalog, verbose).map((l) => ({ ...l, depth: l.depth + 1 }));
  const plan = planOf(target);
  if (plan !== null && target.kind === 'query') return explainPlan(plan, binding.catalog, verbose);
  if (plan !== null) {
    const name = 'name' in target && 'schema' in target ? ` ${target.name}` : '';
    return [line(`${target.kind.replaceAll('-', ' ')}${name}`), ...nested(plan)];
  }
  if (target.kind === 'create' && 'plan' in target.object) {
    return [
      line(`create ${target.object.kind.replace('-', ' ')} ${target.object.name}`),
      ...nested(target.object.plan),
    ];
  }
  if (target.kind === 'subscribe' && target.target.kind === 'relation') {
    return [line(`subscribe to the changes of ${target.target.relation.name}`)];
  }
  if (target.kind === 'write') {
    return target.operations.flatMap((operation) => [
      line(`${operation.kind} ${binding.catalog.relationByOid(operation.relation)?.name ?? ''}`),
      ...('plan' in operation ? nested(operation.plan) : []),
    ]);
  }
  return [line(`${target.kind}: no plan`)];
}

function readOptions(binding: BindingContext, nodes: readonly Node[]): Options {
  let analyze = false;
  let verbose = false;
  let format: Options['format'] = 'text';
  let formatLocation: number | undefined;
  let durationMs = DURATION_DEFAULT_MS;
  let hasDuration = false;
  for (const node of nodes) {
    if (!('DefElem' in node)) continue;
    const { defname = '', arg, location } = node.DefElem;
    const value = optionValue(arg);
    switch (defname) {
      case 'analyze':
        analyze = booleanValue(binding, defname, value, location);
        break;
      case 'verbose':
        verbose = booleanValue(binding, defname, value, location);
        break;
      case 'duration':
        hasDuration = true;
        durationMs = Math.ceil(durationMicros(value ?? '', 'DURATION') / 1000);
        if (durationMs <= 0) throw binding.error(location, '22023', 'DURATION must be greater than zero');
        break;
      case 'format':
        if (!isFormat(value)) {
          throw binding.error(
            location,
            '22023',
            `unrecognized value for EXPLAIN option "format": "${value ?? ''}"`,
          );
        }
        format = value;
        formatLocation = location;
        break;
      default:
        if (!IGNORED.has(defname))
          throw binding.error(location, '42601', `unrecognized EXPLAIN option "${defname}"`);
    }
  }
  return { analyze, verbose, format, formatLocation, durationMs, hasDuration };
}

const isFormat = (value: string | null): value is Options['format'] =>
  value === 'text' || value === 'json' || value === 'xml' || value === 'yaml';

function booleanValue(
  binding: BindingContext,
  name: string,
  value: string | null,
  location: number | undefined,
): boolean {
  const word = value?.toLowerCase() ?? 'true';
  if (['true', 'on', '1'].includes(word)) return true;
  if (['false', 'off', '0'].includes(word)) return false;
  throw binding.error(location, '42601', `${name} requires a Boolean value`);
}

const SILENCE_COLUMNS: Schema = [
  { name: 'cause', type: { name: 'text' } },
  { name: 'detail', type: { name: 'text' } },
  { name: 'since', type: { name: 'timestamptz' } },
  { name: 'hint', type: { name: 'text' } },
];

export function planExplainSilence(context: StatementContext, syntax: SilenceSyntax): Planned {
  const target = silenceTarget(context, syntax);
  refuseHidden(context.binding, SILENCE_TELLS);
  const plan = planOf(target);
  if (plan !== null && plan.emit.kind === 'finite') {
    throw context.binding.error(
      -1,
      '22023',
      'EXPLAIN SILENCE takes continuous queries and views',
      'Add EMIT to the query.',
    );
  }
  const statement: Statement = {
    kind: 'explain',
    mode: 'silence',
    format: 'text',
    verbose: false,
    durationMs: 0,
    target,
    lines: [],
  };
  return planned(context, statement, SILENCE_COLUMNS);
}

const SILENCE_TELLS = 'EXPLAIN SILENCE tells of all rows, also of those that were rejected.';

/** 42501 where policies hide rows: it would tell of them. */
function refuseHidden(binding: BindingContext, detail: string): void {
  const hidden = binding.gathered.requirements.find(({ policies }) => policies !== '');
  if (hidden === undefined) return;
  const name = binding.catalog.relationByOid(hidden.relation)?.name ?? '';
  throw binding.error(-1, '42501', `row-level security hides rows of "${name}"`, undefined, detail);
}

function silenceTarget(context: StatementContext, syntax: SilenceSyntax): Target {
  const { target } = syntax;
  if ('kind' in target) return planSubscribeStatement(context, target);
  if ('node' in target) {
    const inner = statementContext(context.parsed, context.plan, target.source, target.clauses);
    const plan = planQueryNode(inner.binding, target.node, target.clauses);
    refuseHidden(inner.binding, SILENCE_TELLS);
    return { kind: 'query', plan, columns: outputColumns(plan) };
  }
  const { binding } = context;
  const found = findRelation(binding, target.schema, target.name);
  if (found === null)
    throw binding.errorAtOffset(
      target.offset,
      '42P01',
      `relation "${shownName(target.schema, target.name)}" does not exist`,
    );
  if (found.kind !== 'relation' || found.definition.kind === 'view') {
    throw binding.errorAtOffset(
      target.offset,
      '42809',
      `"${target.name}" is not a stream, table, materialized view or sink`,
    );
  }
  requireRight(binding, found.definition, 'r');
  return found.definition;
}
