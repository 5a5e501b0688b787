/** Which planner carries a statement: by its syntax, then by PostgreSQL's kind of statement. */
import type { Node } from 'libpg-query';
import { unreachable } from '../common/assert.ts';
import { planAlterRole, planAlterRoleSettings, planRenameRole } from './authorize/alter-role.ts';
import { planCreateRole } from './authorize/create-role.ts';
import { planDropRole } from './authorize/drop-role.ts';
import { planDefaultPrivileges } from './authorize/default-privileges.ts';
import { planGrant } from './authorize/grant.ts';
import { planDropOwned, planReassignOwned } from './authorize/owned.ts';
import { planAlterOwner } from './authorize/owner.ts';
import { planAlterRelation } from './define/alter-relation.ts';
import { planGrantRole } from './authorize/grant-role.ts';
import { requirePrivilege } from './authorize/require.ts';
import { planAlterPolicy, planCreatePolicy, planRenamePolicy } from './authorize/policy.ts';
import { planCreateToken, planDropToken } from './authorize/tokens.ts';
import { kindOf } from './bind/tree.ts';
import { planComment, planRename, planSetSchema } from './define/alter.ts';
import { planReindex, planRenameIndex } from './define/change-index.ts';
import { planCreateIndex } from './define/create-index.ts';
import {
  planAlterSecretOwner,
  planCommentOnSecret,
  planDropSecret,
  planRenameSecret,
  planSetSecretSchema,
} from './define/change-secret.ts';
import { planAlterSecret, planCreateSecret } from './define/create-secret.ts';
import { planCreateSchema } from './define/create-schema.ts';
import { planCreateSink } from './define/create-sink.ts';
import { planCreateStream } from './define/create-stream.ts';
import { planCreateTable } from './define/create-table.ts';
import { planCreateMaterializedView, planCreateView } from './define/create-view.ts';
import { planDrop } from './define/drop.ts';
import { planExplain, planExplainSilence } from './explain/explain-statement.ts';
import { syntaxOf } from './parse/parse.ts';
import { NO_CLAUSES, type StatementSyntax } from './parse/statement-syntax.ts';
import { planSelect } from './plan-select.ts';
import { planDeclare, planFetch } from './session/cursors.ts';
import { planListen, planNotify, planUnlisten } from './session/notify.ts';
import { planDeallocate, planExecute, planPrepare } from './session/prepared.ts';
import { planAlterSystem, planDiscard, planSet } from './session/settings.ts';
import { planDescribe, planShow } from './session/show.ts';
import { planSubscribe } from './session/subscribe.ts';
import { planTransaction } from './session/transaction.ts';
import type { ParsedStatement, PlanContext, Planned } from './statement.ts';
import { planned, type StatementContext, statementContext } from './statement-context.ts';
import { planDelete, planTruncate, planUpdate } from './write/change-table.ts';
import { planCopy } from './write/copy.ts';
import { planInsert } from './write/insert.ts';
import { namedRelation } from './write/target.ts';

type PostgresSyntax = Extract<StatementSyntax, { kind: 'postgres' }>;

export function planParsed(parsed: ParsedStatement, plan: PlanContext): Planned {
  const syntax = syntaxOf(parsed);
  const clauses = syntax.kind === 'postgres' ? syntax.clauses : NO_CLAUSES;
  const context = statementContext(parsed, plan, syntax.source, clauses);
  switch (syntax.kind) {
    case 'empty':
      return planned(context, { kind: 'empty' });
    case 'postgres':
      return planPostgres(context, syntax);
    case 'create-stream':
      return planCreateStream(context, syntax);
    case 'create-sink':
      return planCreateSink(context, syntax);
    case 'subscribe':
      return planSubscribe(context, syntax);
    case 'explain-silence':
      return planExplainSilence(context, syntax);
    case 'create-secret':
      return planCreateSecret(context, syntax);
    case 'alter-secret':
      return planAlterSecret(context, syntax);
    case 'create-token':
      return planCreateToken(context, syntax);
    case 'drop-token':
      return planDropToken(context, syntax);
    case 'describe':
      return planDescribe(context, syntax.name);
    case 'show':
      return planShow(context, syntax.what);
    default:
      return unreachable(syntax);
  }
}

function planPostgres(context: StatementContext, syntax: PostgresSyntax): Planned {
  const { binding } = context;
  const node: Node = syntax.node;
  if ('SelectStmt' in node) return planSelect(context, node, syntax.clauses);
  if ('InsertStmt' in node) return planInsert(context, node.InsertStmt, syntax.clauses);
  if ('CreateTableAsStmt' in node) return planCreateMaterializedView(context, syntax, node.CreateTableAsStmt);
  if ('DeclareCursorStmt' in node) return planDeclare(context, syntax, node.DeclareCursorStmt);
  if ('CopyStmt' in node) return planCopy(context, syntax, node.CopyStmt);
  if ('ExplainStmt' in node) return planExplain(context, syntax, node.ExplainStmt, planPostgres);
  if ('PrepareStmt' in node) return planPrepare(context, syntax, node.PrepareStmt, planParsed);
  if ('ViewStmt' in node) return planCreateView(context, syntax, node.ViewStmt);
  const { emit } = syntax.clauses;
  if (emit !== null) {
    throw binding.errorAtOffset(
      emit.offset,
      '42601',
      'EMIT belongs to a query',
      'EMIT stands last in SELECT, INSERT … SELECT and CREATE MATERIALIZED VIEW.',
    );
  }
  return planDefinition(context, syntax, node) ?? planSession(context, node) ?? refuse(context, node);
}

function planDefinition(context: StatementContext, syntax: PostgresSyntax, node: Node): Planned | null {
  const { binding } = context;
  if ('UpdateStmt' in node) return planUpdate(context, node.UpdateStmt);
  if ('DeleteStmt' in node) return planDelete(context, node.DeleteStmt);
  if ('TruncateStmt' in node) return planTruncate(context, node.TruncateStmt);
  if ('CreateStmt' in node) return planCreateTable(context, node.CreateStmt);
  if ('CreateSchemaStmt' in node) return planCreateSchema(context, node.CreateSchemaStmt);
  if (syntax.objectKind === 'secret') return planSecretDefinition(context, node);
  if ('DropStmt' in node) return planDrop(context, syntax, node.DropStmt);
  if ('RenameStmt' in node) {
    const { RenameStmt: rename } = node;
    if (rename.renameType === 'OBJECT_ROLE') return planRenameRole(context, rename);
    if (rename.renameType === 'OBJECT_INDEX') return planRenameIndex(context, rename);
    if (rename.renameType === 'OBJECT_POLICY') return planRenamePolicy(context, rename);
    return planRename(context, syntax, rename);
  }
  if ('AlterTableStmt' in node) return planAlterRelation(context, syntax, node.AlterTableStmt);
  if ('AlterObjectSchemaStmt' in node) return planSetSchema(context, syntax, node.AlterObjectSchemaStmt);
  if ('CommentStmt' in node) return planComment(context, syntax, node.CommentStmt);
  if ('RefreshMatViewStmt' in node) {
    const range = node.RefreshMatViewStmt.relation ?? {};
    const definition = namedRelation(binding, range);
    if (definition.kind !== 'materialized-view') {
      throw binding.error(range.location, '0A000', `"${definition.name}" is not a materialized view`);
    }
    requirePrivilege(binding, definition, 'm');
    return planned(context, {
      kind: 'nothing',
      tag: 'REFRESH MATERIALIZED VIEW',
      notice: null,
      noticeCode: '00000',
    });
  }
  if ('IndexStmt' in node) return planCreateIndex(context, node.IndexStmt);
  if ('ReindexStmt' in node) return planReindex(context, node.ReindexStmt);
  return planAuthorization(context, node);
}

/** What the grammar read as of a table, or a type. */
function planSecretDefinition(context: StatementContext, node: Node): Planned | null {
  if ('DropStmt' in node) return planDropSecret(context, node.DropStmt);
  if ('RenameStmt' in node) return planRenameSecret(context, node.RenameStmt);
  if ('AlterTableStmt' in node) return planAlterSecretOwner(context, node.AlterTableStmt);
  if ('AlterObjectSchemaStmt' in node) return planSetSecretSchema(context, node.AlterObjectSchemaStmt);
  if ('CommentStmt' in node) return planCommentOnSecret(context, node.CommentStmt);
  return planAuthorization(context, node, true);
}

/** Roles, and who may do what. `ofSecrets`: a GRANT or REVOKE on them. */
function planAuthorization(context: StatementContext, node: Node, ofSecrets = false): Planned | null {
  if ('CreateRoleStmt' in node) return planCreateRole(context, node.CreateRoleStmt);
  if ('AlterRoleStmt' in node) return planAlterRole(context, node.AlterRoleStmt);
  if ('AlterRoleSetStmt' in node) return planAlterRoleSettings(context, node.AlterRoleSetStmt);
  if ('DropRoleStmt' in node) return planDropRole(context, node.DropRoleStmt);
  if ('GrantRoleStmt' in node) return planGrantRole(context, node.GrantRoleStmt);
  if ('GrantStmt' in node) return planGrant(context, node.GrantStmt, ofSecrets);
  if ('CreatePolicyStmt' in node) return planCreatePolicy(context, node.CreatePolicyStmt);
  if ('AlterPolicyStmt' in node) return planAlterPolicy(context, node.AlterPolicyStmt);
  if ('AlterDefaultPrivilegesStmt' in node)
    return planDefaultPrivileges(context, node.AlterDefaultPrivilegesStmt, ofSecrets);
  if ('AlterOwnerStmt' in node) return planAlterOwner(context, node.AlterOwnerStmt);
  if ('ReassignOwnedStmt' in node) return planReassignOwned(context, node.ReassignOwnedStmt);
  if ('DropOwnedStmt' in node) return planDropOwned(context, node.DropOwnedStmt);
  return null;
}

function planSession(context: StatementContext, node: Node): Planned | null {
  if ('TransactionStmt' in node) return planTransaction(context, node.TransactionStmt);
  if ('VariableSetStmt' in node) return planSet(context, node.VariableSetStmt);
  if ('AlterSystemStmt' in node) return planAlterSystem(context, node.AlterSystemStmt);
  if ('VariableShowStmt' in node) return planShow(context, (node.VariableShowStmt.name ?? '').toLowerCase());
  if ('FetchStmt' in node) {
    const syntax = syntaxOf(context.parsed);
    return syntax.kind === 'postgres' ? planFetch(context, syntax, node.FetchStmt) : null;
  }
  if ('ClosePortalStmt' in node)
    return planned(context, { kind: 'close', name: node.ClosePortalStmt.portalname ?? null });
  if ('ExecuteStmt' in node) return planExecute(context, node.ExecuteStmt);
  if ('DeallocateStmt' in node) return planDeallocate(context, node.DeallocateStmt);
  if ('ListenStmt' in node) return planListen(context, node.ListenStmt);
  if ('UnlistenStmt' in node) return planUnlisten(context, node.UnlistenStmt);
  if ('NotifyStmt' in node) return planNotify(context, node.NotifyStmt);
  if ('DiscardStmt' in node) return planDiscard(context, node.DiscardStmt);
  return null;
}

/** Kinds whose name is not their statement's, and what to write instead. */
const REFUSED: Readonly<Record<string, Readonly<{ words?: string; hint?: string }>>> = {
  CreatedbStmt: {
    words: 'CREATE DATABASE',
    hint: 'The one database is "millrace"; schemas keep names apart: CREATE SCHEMA.',
  },
  DropdbStmt: { words: 'DROP DATABASE', hint: 'DROP SCHEMA … CASCADE drops all that is in a schema.' },
  DefineStmt: { words: 'CREATE AGGREGATE, OPERATOR or TYPE' },
  CreateFunctionStmt: { hint: 'Write the expression where it is used, or in a view.' },
  CreateTrigStmt: { words: 'CREATE TRIGGER', hint: 'Create a materialized view or a sink over the table.' },
  CreateSeqStmt: { words: 'CREATE SEQUENCE', hint: 'gen_random_uuid() makes keys.' },
  CheckPointStmt: { words: 'CHECKPOINT' },
  VacuumStmt: {
    words: 'VACUUM or ANALYZE',
    hint: 'There is nothing to clean: what is deleted is gone at once.',
  },
  LockStmt: {
    words: 'LOCK TABLE',
    hint: 'A transaction block reads the snapshot of its BEGIN, and waits for nobody.',
  },
  DoStmt: { words: 'DO', hint: 'Send its statements one by one.' },
  CallStmt: { words: 'CALL', hint: 'There are no procedures: send the statements themselves.' },
  AlterDatabaseSetStmt: {
    words: 'ALTER DATABASE SET',
    hint: 'ALTER SYSTEM SET is for all sessions, ALTER ROLE … SET for those of a role.',
  },
  MergeStmt: { hint: 'Use INSERT, UPDATE and DELETE in one transaction.' },
};

/** `CreateFunctionStmt` → CREATE FUNCTION is not supported. */
function refuse(context: StatementContext, node: Node): never {
  const kind = kindOf(node);
  const { words, hint } = REFUSED[kind] ?? {};
  const shown =
    words ??
    kind
      .replace(/Stmt$/, '')
      .replace(/([a-z])([A-Z])/g, '$1 $2')
      .toUpperCase();
  throw context.binding.error(-1, '0A000', `${shown} is not supported`, hint);
}
