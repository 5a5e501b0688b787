/** What was granted, and policies, as the mirror's system tables hold them. */
import type { AccessItem, PolicyCommand, PolicyDefinition } from '../../runtime/plan/authorization.ts';
import { PUBLIC } from '../../runtime/plan/authorization.ts';
import type { Oid } from '../../runtime/plan/relation.ts';
import type { CatalogView } from '../catalog.ts';
import type { AccessTexts, PolicyRow } from './mirror-rows.ts';
import { textTree } from './text-tree.ts';

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
  using: using === null ? null : textTree(using.text),
  check: check === null ? null : textTree(check.text),
});
