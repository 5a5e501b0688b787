/** DROP of every kind, IF EXISTS, CASCADE | RESTRICT. 42P01, 42809, 2BP01. */
import type { DropStmt, Node } from 'libpg-query';
import {
  type CatalogObject,
  isRelation,
  type Oid,
  type RelationDefinition,
} from '../../runtime/plan/relation.ts';
import type { SecretDefinition } from '../../runtime/plan/secret.ts';
import { planDropPolicy, refusePolicyReaders } from '../authorize/policy.ts';
import { requireDroppable, requireOwner } from '../authorize/require.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { findRelation, shownName } from '../bind/relation-lookup.ts';
import { listOf, stringOf } from '../bind/tree.ts';
import type { StatementSyntax } from '../parse/statement-syntax.ts';
import type { Planned } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';
import { planDropIndex } from './change-index.ts';
import { findIndex } from './index-name.ts';
import { requireWritableSchema } from './names.ts';
import { KIND_LABELS, notOfKind, type RelationKind, relationKind } from './object-kind.ts';

type PostgresSyntax = Extract<StatementSyntax, { kind: 'postgres' }>;

const REFUSED: Readonly<Record<string, string>> = {
  OBJECT_FUNCTION: 'DROP FUNCTION',
  OBJECT_TYPE: 'DROP TYPE',
  OBJECT_SEQUENCE: 'DROP SEQUENCE',
};

export function planDrop(context: StatementContext, syntax: PostgresSyntax, drop: DropStmt): Planned {
  const { binding } = context;
  if (drop.removeType === 'OBJECT_POLICY') return planDropPolicy(context, drop);
  if (drop.removeType === 'OBJECT_INDEX') return planDropIndex(context, drop);
  if (drop.removeType === 'OBJECT_SCHEMA') return planDropSchema(context, drop);
  const kind = relationKind(drop.removeType, syntax.objectKind);
  if (kind === null) {
    const shown = REFUSED[drop.removeType ?? ''] ?? `DROP ${(drop.removeType ?? '').replace('OBJECT_', '')}`;
    throw binding.error(-1, '0A000', `${shown} is not supported`);
  }
  const notices: string[] = [];
  const targets = (drop.objects ?? []).flatMap((node) =>
    targetOf(binding, kind, node, drop.missing_ok === true, notices),
  );
  const tag = `DROP ${KIND_LABELS[kind].toUpperCase()}`;
  return planDropOf(context, targets, drop, tag, notices);
}

/** 2BP01 where others depend on the targets, without CASCADE. */
export function planDropOf(
  context: StatementContext,
  targets: readonly Droppable[],
  drop: DropStmt,
  tag: string,
  notices: string[],
): Planned {
  if (targets.length === 0) return planned(context, { kind: 'drop', oids: [], tag, notices });
  const oids = withDependents(
    context.binding,
    targets,
    drop.behavior === 'DROP_CASCADE',
    notices,
    (t) => `${KIND_LABELS[t.kind]} ${t.name}`,
  );
  return planned(context, { kind: 'drop', oids, tag, notices });
}

function targetOf(
  binding: BindingContext,
  kind: RelationKind,
  node: Node,
  missingOk: boolean,
  notices: string[],
): readonly RelationDefinition[] {
  const names = listOf(node).map(stringOf);
  const name = names.at(-1) ?? '';
  const schema = names.at(-2) ?? null;
  const found = findRelation(binding, schema, name);
  const label = KIND_LABELS[kind];
  const unknownSchema = schema !== null && binding.catalog.schema(schema) === undefined;
  if (found === null) {
    if (!unknownSchema && findIndex(binding, schema, name) !== null)
      throw binding.error(-1, '42809', notOfKind(name, kind), 'Use DROP INDEX to remove an index.');
    const message = unknownSchema
      ? `schema "${schema}" does not exist`
      : `${label} "${shownName(schema, name)}" does not exist`;
    if (missingOk) {
      notices.push(`${message}, skipping`);
      return [];
    }
    throw binding.error(-1, unknownSchema ? '3F000' : '42P01', message);
  }
  if (found.kind !== 'relation') throw binding.error(-1, '42809', notOfKind(name, kind));
  const { definition } = found;
  if (definition.kind !== kind) {
    const actual = KIND_LABELS[definition.kind];
    throw binding.error(
      -1,
      '42809',
      notOfKind(name, kind),
      `Use DROP ${actual.toUpperCase()} to remove a ${actual}.`,
    );
  }
  requireDroppable(binding, definition);
  return [definition];
}

export type Droppable = RelationDefinition | SecretDefinition;

export const isDroppable = (object: CatalogObject): object is Droppable =>
  isRelation(object) || object.kind === 'secret';

/** The targets and, under CASCADE, all that reads them; without, 2BP01 names what does. */
export function withDependents(
  binding: BindingContext,
  targets: readonly Droppable[],
  cascade: boolean,
  notices: string[],
  describe: (t: Droppable) => string,
): readonly Oid[] {
  const dropped = new Map<Oid, Droppable>(targets.map((t) => [t.oid, t]));
  const others: RelationDefinition[] = [];
  const details: string[] = [];
  const queue = [...targets];
  for (let i = 0; i < queue.length; i++) {
    const target = queue[i];
    if (target === undefined) continue;
    for (const dependent of binding.catalog.dependents(target.oid)) {
      if (dropped.has(dependent.oid)) continue;
      dropped.set(dependent.oid, dependent);
      others.push(dependent);
      details.push(`${describe(dependent)} depends on ${describe(target)}`);
      queue.push(dependent);
    }
  }
  const [first] = targets;
  if (others.length > 0 && !cascade && first !== undefined) {
    const subject = targets.length === 1 ? `${describe(first)}` : 'desired object(s)';
    throw binding.error(
      -1,
      '2BP01',
      `cannot drop ${subject} because other objects depend on ${targets.length === 1 ? 'it' : 'them'}`,
      'Use DROP ... CASCADE to drop the dependent objects too.',
      details.join('\n'),
    );
  }
  if (others.length === 1 && others[0] !== undefined) notices.push(`drop cascades to ${describe(others[0])}`);
  if (others.length > 1) notices.push(`drop cascades to ${others.length} other objects`);
  refusePolicyReaders(binding, [...dropped.keys()]);
  // Those that read come before what they read.
  return [...dropped.keys()].toReversed();
}

function planDropSchema(context: StatementContext, drop: DropStmt): Planned {
  const { binding } = context;
  const notices: string[] = [];
  const oids: Oid[] = [];
  for (const node of drop.objects ?? []) {
    const name = stringOf(node);
    requireWritableSchema(binding, name);
    const schema = binding.catalog.schema(name);
    if (schema === undefined) {
      if (drop.missing_ok !== true) throw binding.error(-1, '3F000', `schema "${name}" does not exist`);
      notices.push(`schema "${name}" does not exist, skipping`);
      continue;
    }
    requireOwner(binding, schema);
    const inside = [...binding.catalog.objects()].flatMap((o) =>
      isDroppable(o) && o.schema === name ? [o] : [],
    );
    if (inside.length > 0 && drop.behavior !== 'DROP_CASCADE') {
      const details = inside.map((o) => `${KIND_LABELS[o.kind]} ${name}.${o.name} depends on schema ${name}`);
      throw binding.error(
        -1,
        '2BP01',
        `cannot drop schema ${name} because other objects depend on it`,
        'Use DROP ... CASCADE to drop the dependent objects too.',
        details.join('\n'),
      );
    }
    oids.push(
      ...withDependents(
        binding,
        inside,
        true,
        notices,
        (t) => `${KIND_LABELS[t.kind]} ${t.schema}.${t.name}`,
      ),
      schema.oid,
    );
  }
  return planned(context, { kind: 'drop', oids: [...new Set(oids)], tag: 'DROP SCHEMA', notices });
}
