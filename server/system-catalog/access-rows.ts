/** What was granted, and policies, as the mirror's system tables hold them. */
import type {
  AccessItem,
  PolicyCommand,
  PolicyDefinition,
  PolicyExpression,
} from '../../runtime/plan/authorization.ts';
import { PUBLIC } from '../../runtime/plan/authorization.ts';
import type { Oid } from '../../runtime/plan/relation.ts';
import type { CatalogView } from '../catalog.ts';
import type { AccessTexts, PolicyRow } from './mirror-rows.ts';

/** null: nothing was ever granted or revoked. Of a role that is no more nothing is told. */
export function accessTexts(view: CatalogView, access: readonly AccessItem[] | null): AccessTexts {
  if (access === null) return null;
  return access.flatMap(({ grantee, grantor, privileges, grantable }) => {
    const to = roleText(view, grantee);
    const by = roleText(view, grantor);
    if (to === null || by === null) return [];
    const letters = privileges.map((letter) => (grantable.includes(letter) ? `${letter}*` : letter));
    return [`${to}=${letters.join('')}/${by}`];
  });
}

function roleText(view: CatalogView, oid: Oid): string | null {
  if (oid === PUBLIC) return '';
  const name = view.roleByOid(oid)?.name;
  return name === undefined ? null : `"${name.replaceAll('"', '""')}"`;
}

const COMMANDS: Readonly<Record<PolicyCommand, PolicyRow['command']>> = {
  all: '*',
  select: 'r',
  insert: 'a',
  update: 'w',
  delete: 'd',
};

export const policyRow = ({
  oid,
  name,
  permissive,
  command,
  roles,
  using,
  check,
}: PolicyDefinition): PolicyRow => ({
  oid,
  name,
  permissive,
  command: COMMANDS[command],
  roles,
  using: conditionTree(using),
  check: conditionTree(check),
});

/**
 * PostgreSQL reads the trees of policies whenever it looks closer at their relation, so text won't do: here it is the
 * value of a constant, as nodeToString() writes it. `[ ]` holds a varlena: four bytes of header (length, shifted by two
 * bits), then the text.
 */
function conditionTree(condition: PolicyExpression | null): string | null {
  if (condition === null) return null;
  const text = Buffer.from(condition.text);
  const value = Buffer.alloc(4 + text.length);
  value.writeUInt32LE(value.length << 2);
  text.copy(value, 4);
  const bytes = [...value].map((byte) => (byte < 128 ? byte : byte - 256)).join(' ');
  return (
    '{CONST :consttype 25 :consttypmod -1 :constcollid 100 :constlen -1 :constbyval false :constisnull false' +
    ` :location -1 :constvalue ${value.length} [ ${bytes} ]}`
  );
}
