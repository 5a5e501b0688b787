/** Kinds of objects as statements name them. */
import type { RelationDefinition } from '../../runtime/plan/relation.ts';
import type { StatementSyntax } from '../parse/statement-syntax.ts';

export type RelationKind = RelationDefinition['kind'];

export const KIND_LABELS: Readonly<Record<RelationKind | 'secret', string>> = {
  stream: 'stream',
  table: 'table',
  view: 'view',
  'materialized-view': 'materialized view',
  sink: 'sink',
  secret: 'secret',
};

/** The kind that DROP, ALTER and COMMENT ON name; null for what is no relation. */
export function relationKind(
  objectType: string | undefined,
  written: Extract<StatementSyntax, { kind: 'postgres' }>['objectKind'],
): RelationKind | null {
  if (written !== null) return written === 'secret' ? null : written;
  switch (objectType) {
    case 'OBJECT_TABLE':
      return 'table';
    case 'OBJECT_VIEW':
      return 'view';
    case 'OBJECT_MATVIEW':
      return 'materialized-view';
    default:
      return null;
  }
}

const article = (label: string): string => (/^[aeiou]/.test(label) ? 'an' : 'a');

export const notOfKind = (name: string, kind: RelationKind): string =>
  `"${name}" is not ${article(KIND_LABELS[kind])} ${KIND_LABELS[kind]}`;
