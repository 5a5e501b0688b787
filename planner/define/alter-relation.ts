/** ALTER TABLE, STREAM, VIEW, MATERIALIZED VIEW and SINK: OWNER TO, row security, options of views. */
import type { AlterTableCmd, AlterTableStmt, Node } from 'libpg-query';
import { withRowSecurityCommand } from '../authorize/policy.ts';
import { changedOwner } from '../authorize/owner.ts';
import type { RelationDefinition } from '../../runtime/plan/relation.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { listOf } from '../bind/tree.ts';
import type { StatementSyntax } from '../parse/statement-syntax.ts';
import type { Planned } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';
import { isMissing, lookUp, skipped } from './alter.ts';
import { readSecurityInvoker } from './create-view.ts';
import { KIND_LABELS, relationKind } from './object-kind.ts';

type PostgresSyntax = Extract<StatementSyntax, { kind: 'postgres' }>;

export function planAlterRelation(
  context: StatementContext,
  syntax: PostgresSyntax,
  alter: AlterTableStmt,
): Planned {
  const { binding } = context;
  const kind = relationKind(alter.objtype, syntax.objectKind);
  const range = alter.relation ?? {};
  if (alter.objtype === 'OBJECT_INDEX') {
    const hint = 'An index can be renamed; else drop it and create another.';
    throw binding.error(-1, '0A000', 'ALTER INDEX is not supported', hint);
  }
  if (kind === null) throw unsupported(binding);
  const tag = `ALTER ${KIND_LABELS[kind].toUpperCase()}`;
  if (alter.missing_ok === true && isMissing(binding, range)) return skipped(context, tag, range);
  let object = lookUp(binding, kind, range.schemaname ?? null, range.relname ?? '', range.location);
  for (const node of alter.cmds ?? []) {
    if ('AlterTableCmd' in node) object = changed(binding, object, node.AlterTableCmd);
  }
  return planned(context, { kind: 'alter', objects: [object], tag });
}

function changed(
  binding: BindingContext,
  object: RelationDefinition,
  command: AlterTableCmd,
): RelationDefinition {
  switch (command.subtype) {
    case 'AT_ChangeOwner':
      return changedOwner(binding, object, command.newowner ?? {});
    case 'AT_SetRelOptions':
    case 'AT_ResetRelOptions':
      return withViewOptions(binding, object, listOf(command.def), command.subtype === 'AT_SetRelOptions');
    default: {
      const guarded = withRowSecurityCommand(object, command.subtype);
      if (guarded === null) throw unsupported(binding);
      return guarded;
    }
  }
}

function withViewOptions(
  binding: BindingContext,
  object: RelationDefinition,
  options: readonly Node[],
  set: boolean,
): RelationDefinition {
  if (object.kind !== 'view') throw unsupported(binding);
  const securityInvoker = readSecurityInvoker(binding, options);
  return { ...object, securityInvoker: set && securityInvoker };
}

const unsupported = (binding: BindingContext): Error =>
  binding.error(
    -1,
    '0A000',
    'ALTER TABLE is not supported',
    'Create another table, INSERT INTO it SELECT from this one, and rename it.',
  );
