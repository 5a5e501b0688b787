/** SUBSCRIBE: changes of a relation or query, with their tick. 42P10 for keys that nothing proves. */

import { SqlError } from '../../common/sql-error.ts';
import type { Schema } from '../../common/types.ts';
import type { QueryPlan } from '../../runtime/plan/query-plan.ts';
import type { RelationDefinition } from '../../runtime/plan/relation.ts';
import { appliedPolicies } from '../authorize/applied-policies.ts';
import { requireRight } from '../authorize/requirements.ts';
import { BindingContext } from '../bind/binding-context.ts';
import { findRelation, shownName } from '../bind/relation-lookup.ts';
import { selectAll } from '../define/create-sink.ts';
import {
  NO_CLAUSES,
  type OptionSyntax,
  type QualifiedName,
  type QuerySyntax,
  type SubscribeSyntax,
} from '../parse/statement-syntax.ts';
import { planContinuous } from '../physical/plan-query.ts';
import { booleanOption, readQueryOptions, unknownOption } from '../physical/query-options.ts';
import type { Planned, Statement, SubscribeTarget } from '../statement.ts';
import { bindSelectNode, planned, type StatementContext } from '../statement-context.ts';

type Subscribe = Extract<Statement, { kind: 'subscribe' }>;

const OWN_OPTIONS = ['snapshot', 'progress'];
const INT8 = { name: 'int8' } as const;

export function planSubscribe(context: StatementContext, syntax: SubscribeSyntax): Planned {
  const statement = planSubscribeStatement(context, syntax);
  return planned(context, statement, statement.columns);
}

export function planSubscribeStatement(context: StatementContext, syntax: SubscribeSyntax): Subscribe {
  const { binding } = context;
  const own = new Map(syntax.options.filter((o) => OWN_OPTIONS.includes(o.name)).map((o) => [o.name, o]));
  const others = syntax.options.filter((o) => !OWN_OPTIONS.includes(o.name));
  const found = resolveTarget(context, syntax, others);
  const { fields, keys, target } = found;
  const progress = booleanOption(binding, own.get('progress'), false);
  const upsertKey = syntax.upsertKey === null ? null : keyOrdinals(binding, syntax.upsertKey, fields, keys);
  if (syntax.upsertKey !== null && syntax.withinTick.length > 0) {
    throw binding.errorAtOffset(
      syntax.withinTick[0]?.offset ?? 0,
      '0A000',
      'WITHIN TICK ORDER BY is not supported with ENVELOPE UPSERT',
    );
  }
  const withinTickOrder = syntax.withinTick.map(({ name, offset, descending, nullsFirst }) => ({
    column: ordinalOf(binding, fields, name, offset),
    descending,
    nullsFirst,
  }));
  const asOf = tick(binding, syntax.asOf, 'AS OF', syntax.offset);
  if (asOf !== null && target.kind === 'plan') {
    throw binding.errorAtOffset(
      syntax.offset,
      '55000',
      'AS OF needs a named relation: a query keeps no changelog',
      'Create a materialized view and subscribe to it.',
    );
  }
  return {
    kind: 'subscribe',
    target,
    columns: outputOf(fields, progress, upsertKey),
    upsertKey,
    withinTickOrder,
    snapshot: booleanOption(binding, own.get('snapshot'), true),
    progress,
    asOf,
    upTo: tick(binding, syntax.upTo, 'UP TO', syntax.offset),
  };
}

/** tick, progressed?, then diff and the columns, or op, the key and the others. */
function outputOf(fields: Schema, progress: boolean, upsertKey: readonly number[] | null): Schema {
  const head: Schema = [
    { name: 'tick', type: INT8 },
    ...(progress ? [{ name: 'progressed', type: { name: 'bool' } as const }] : []),
  ];
  if (upsertKey === null) return [...head, { name: 'diff', type: INT8 }, ...fields];
  const keyFields = upsertKey.flatMap((k) => fields[k] ?? []);
  const others = fields.filter((_, i) => !upsertKey.includes(i));
  return [...head, { name: 'op', type: { name: 'text' } }, ...keyFields, ...others];
}

type Target = Readonly<{ target: SubscribeTarget; fields: Schema; keys: readonly (readonly number[])[] }>;

const isQuery = (target: SubscribeSyntax['target']): target is QuerySyntax => 'node' in target;

function resolveTarget(
  context: StatementContext,
  syntax: SubscribeSyntax,
  options: readonly OptionSyntax[],
): Target {
  const { binding } = context;
  if (isQuery(syntax.target)) {
    const { node, source, clauses } = syntax.target;
    const inner = new BindingContext(context.plan, source, clauses, {
      gathered: binding.gathered,
      parameters: binding.parameters,
    });
    const read = readQueryOptions(inner, [...options, ...(clauses.emit?.options ?? [])], 'subscribe');
    return planTarget(planContinuous(inner, bindSelectNode(inner, node), clauses.emit, read, 'subscribe'));
  }
  const { schema, name, offset }: QualifiedName = syntax.target;
  const found = findRelation(binding, schema, name);
  if (found === null)
    throw binding.errorAtOffset(offset, '42P01', `relation "${shownName(schema, name)}" does not exist`);
  if (found.kind !== 'relation' || found.definition.kind === 'sink') {
    throw binding.errorAtOffset(
      offset,
      '42809',
      `cannot subscribe to "${name}"`,
      'SUBSCRIBE takes streams, tables and views.',
    );
  }
  const { definition } = found;
  if (definition.kind === 'view') {
    const read = readQueryOptions(binding, options, 'subscribe');
    return planTarget(
      planContinuous(
        binding,
        bindSelectNode(binding, selectAll(schema, name)),
        NO_CLAUSES.emit,
        read,
        'subscribe',
      ),
    );
  }
  requireRight(binding, definition, 'r');
  if (appliedPolicies(binding.catalog, binding.role, definition, 'select') !== null) {
    return guardedTarget(context, syntax, options);
  }
  const [option] = options;
  if (option !== undefined) throw unknownOption(binding, option, OWN_OPTIONS);
  const fields = definition.columns.map((c) => ({ name: c.name, type: c.type }));
  binding.gathered.relations.add(definition.oid);
  return { target: { kind: 'relation', relation: definition }, fields, keys: keysOf(definition) };
}

/** What its reader may see of a relation: a query over it, which keeps no changelog of its own. */
function guardedTarget(
  { binding }: StatementContext,
  { asOf, offset, target }: SubscribeSyntax,
  options: readonly OptionSyntax[],
): Target {
  const { schema, name } = target as QualifiedName;
  if (asOf !== null) {
    throw binding.errorAtOffset(
      offset,
      '55000',
      `AS OF needs all rows of "${name}": row-level security hides some`,
      'Subscribe again with a snapshot, or to a materialized view of the rows that this role may see.',
    );
  }
  const read = readQueryOptions(binding, options, 'subscribe');
  const query = bindSelectNode(binding, selectAll(schema, name));
  return planTarget(planContinuous(binding, query, null, read, 'subscribe'));
}

const planTarget = (plan: QueryPlan): Target => ({
  target: { kind: 'plan', plan },
  fields: plan.columns,
  keys: plan.key === null ? [] : [plan.key],
});

function keysOf(definition: RelationDefinition): readonly (readonly number[])[] {
  if (definition.kind === 'table') return definition.primaryKey.length > 0 ? [definition.primaryKey] : [];
  if (definition.kind === 'materialized-view' && definition.plan.key !== null) return [definition.plan.key];
  return [];
}

function ordinalOf(binding: BindingContext, fields: Schema, name: string, offset: number): number {
  const at = fields.findIndex((f) => f.name === name);
  if (at < 0) throw binding.errorAtOffset(offset, '42703', `column "${name}" does not exist`);
  return at;
}

function keyOrdinals(
  binding: BindingContext,
  written: NonNullable<SubscribeSyntax['upsertKey']>,
  fields: Schema,
  keys: readonly (readonly number[])[],
): readonly number[] {
  const given = written.map(({ name, offset }) => ordinalOf(binding, fields, name, offset));
  if (keys.some((key) => key.every((k) => given.includes(k)))) return given;
  const [known] = keys;
  const hint =
    known === undefined || known.length === 0
      ? 'Group the query by these columns, subscribe without ENVELOPE UPSERT, or give the table a primary key.'
      : `The known key is (${known.map((k) => fields[k]?.name ?? '').join(', ')}).`;
  throw binding.errorAtOffset(
    written[0]?.offset ?? 0,
    '42P10',
    'the key of ENVELOPE UPSERT is not known to be unique',
    hint,
  );
}

function tick(binding: BindingContext, text: string | null, what: string, offset: number): number | null {
  if (text === null) return null;
  let value: string | null | undefined = text;
  if (text.startsWith('$')) {
    const number = Number(text.slice(1));
    const { refusal } = binding.parameters;
    if (refusal !== null)
      throw binding.errorAtOffset(offset, '42P02', `there is no parameter ${text}`, refusal);
    binding.parameters.reference(number);
    binding.parameters.setType(number, 'int8');
    value = binding.parameters.rawValue(number);
    if (!binding.parameters.bound) return 0;
  }
  const parsed = Number(value);
  if (value !== null && value !== undefined && /^\d+$/.test(value) && Number.isSafeInteger(parsed))
    return parsed;
  throw new SqlError('22023', `${what} must be a tick number`, {
    position: binding.source.positionOfOffset(offset),
  });
}
