/** ALTER SECRET … RENAME TO, OWNER TO, SET SCHEMA; COMMENT ON SECRET; DROP SECRET. 42704, 42710, 2BP01, 42501. */
import type {
  AlterObjectSchemaStmt,
  AlterTableStmt,
  CommentStmt,
  DropStmt,
  Node,
  RenameStmt,
} from 'libpg-query';
import { SqlError } from '../../common/sql-error.ts';
import type { SecretDefinition } from '../../runtime/plan/secret.ts';
import { changedOwner } from '../authorize/owner.ts';
import { requireCreateIn, requireDroppable, requireOwner } from '../authorize/require.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { listOf, stringOf } from '../bind/tree.ts';
import type { Planned } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';
import { planDropOf } from './drop.ts';
import { requireSchema, requireWritableSchema } from './names.ts';
import { findSecret, missingSecret, requireFreeSecretName, requireSecret } from './secret-name.ts';

const TAG = 'ALTER SECRET';

type Named = Readonly<{ schema: string | null; name: string }>;

/** For its owner to change; null where IF EXISTS finds none. */
function ownSecret(
  binding: BindingContext,
  { schema, name }: Named,
  missingOk: boolean,
): SecretDefinition | null {
  if (missingOk && findSecret(binding, schema, name) === null) return null;
  const secret = requireSecret(binding, schema, name);
  requireOwner(binding, secret);
  return secret;
}

const rangeName = (range: { schemaname?: string; relname?: string } = {}): Named => ({
  schema: range.schemaname ?? null,
  name: range.relname ?? '',
});

const skipped = (context: StatementContext, { schema, name }: Named): Planned =>
  planned(context, {
    kind: 'nothing',
    tag: TAG,
    notice: `${missingSecret(schema, name)}, skipping`,
    noticeCode: '00000',
  });

const altered = (context: StatementContext, object: SecretDefinition, tag = TAG): Planned =>
  planned(context, { kind: 'alter', objects: [object], tag });

export function planRenameSecret(context: StatementContext, rename: RenameStmt): Planned {
  const { binding } = context;
  if (rename.renameType !== 'OBJECT_TABLE') throw unsupported();
  const named = rangeName(rename.relation);
  const secret = ownSecret(binding, named, rename.missing_ok === true);
  if (secret === null) return skipped(context, named);
  const name = rename.newname ?? '';
  requireFreeSecretName(binding, { schema: secret.schema, name });
  requireCreateIn(binding, secret.schema, binding.plan.role);
  return altered(context, { ...secret, name });
}

export function planSetSecretSchema(context: StatementContext, alter: AlterObjectSchemaStmt): Planned {
  const { binding } = context;
  const named = rangeName(alter.relation);
  const secret = ownSecret(binding, named, alter.missing_ok === true);
  if (secret === null) return skipped(context, named);
  const schema = alter.newschema ?? '';
  requireWritableSchema(binding, schema);
  requireSchema(binding, schema);
  requireCreateIn(binding, schema, binding.plan.role);
  if (schema !== secret.schema) requireFreeSecretName(binding, { schema, name: secret.name });
  return altered(context, { ...secret, schema });
}

/** OWNER TO: the one command of ALTER TABLE that secrets have. */
export function planAlterSecretOwner(context: StatementContext, alter: AlterTableStmt): Planned {
  const { binding } = context;
  const named = rangeName(alter.relation);
  const [node, ...more] = alter.cmds ?? [];
  const command = node !== undefined && 'AlterTableCmd' in node ? node.AlterTableCmd : {};
  if (command.subtype !== 'AT_ChangeOwner' || more.length > 0) throw unsupported();
  const secret = ownSecret(binding, named, alter.missing_ok === true);
  if (secret === null) return skipped(context, named);
  return altered(context, changedOwner(binding, secret, command.newowner ?? {}));
}

export function planCommentOnSecret(context: StatementContext, statement: CommentStmt): Planned {
  const { binding } = context;
  const [name = '', schema = null] = listOf(statement.object as Node)
    .map(stringOf)
    .toReversed();
  const comment = statement.comment === undefined || statement.comment === '' ? null : statement.comment;
  const secret = requireSecret(binding, schema, name);
  requireOwner(binding, secret);
  return altered(context, { ...secret, comment }, 'COMMENT');
}

export function planDropSecret(context: StatementContext, drop: DropStmt): Planned {
  const { binding } = context;
  const notices: string[] = [];
  const targets = (drop.objects ?? []).flatMap((node) => {
    const names = listOf(node).map(stringOf);
    const [name = '', schema = null] = names.toReversed();
    const secret = findSecret(binding, schema, name);
    if (secret === null && drop.missing_ok === true) {
      notices.push(`${missingSecret(schema, name)}, skipping`);
      return [];
    }
    const found = secret ?? requireSecret(binding, schema, name);
    requireDroppable(binding, found);
    return [found];
  });
  return planDropOf(context, targets, drop, 'DROP SECRET', notices);
}

const unsupported = (): SqlError =>
  new SqlError('0A000', 'ALTER SECRET of this form is not supported', {
    hint: "Write ALTER SECRET name AS 'value', RENAME TO, OWNER TO or SET SCHEMA.",
  });
