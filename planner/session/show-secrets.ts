/** SHOW SECRETS: those that the reader owns or may use, and never what they are. */
import type { Schema } from '../../common/types.ts';
import { formatDatum } from '../../common/value-text.ts';
import { visibleSecrets } from '../authorize/visible-secrets.ts';
import type { Planned } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';

const TEXT = { name: 'text' } as const;
const TIME = { name: 'timestamptz' } as const;

const COLUMNS: Schema = [
  { name: 'schema', type: TEXT },
  { name: 'name', type: TEXT },
  { name: 'owner', type: TEXT },
  { name: 'created_at', type: TIME },
  { name: 'comment', type: TEXT },
];

export function planShowSecrets(context: StatementContext): Planned {
  const { catalog, plan } = context.binding;
  const rows = visibleSecrets(catalog, plan.role)
    .toSorted((a, b) => (`${a.schema}\0${a.name}` < `${b.schema}\0${b.name}` ? -1 : 1))
    .map((secret) => [
      secret.schema,
      secret.name,
      catalog.roleByOid(secret.owner)?.name ?? null,
      formatDatum(secret.createdAt, TIME, {}),
      secret.comment,
    ]);
  return planned(context, { kind: 'rows', columns: COLUMNS, rows, tag: 'SHOW' }, COLUMNS);
}
