/** What crosses between the server's thread and the planner's: plain data, buffers transferred. */
import type { PlainError } from '../../common/sql-error.ts';
import type { PlanContext, Planned } from '../../planner/statement.ts';
import type { CatalogObject } from '../../runtime/plan/relation.ts';

/** A statement that was parsed there: its tree stays there. `text` null: the whole text that was sent. */
export type RemoteStatement = Readonly<{
  text: string | null;
  offset: number;
  parameterCount: number;
  endsTransaction: boolean;
}>;

/** What can cross. */
export type RemoteContext = Omit<PlanContext, 'catalog' | 'roleOfBackend' | 'backendsOf'>;

export type RemoteCatalog = Readonly<{ objects: readonly CatalogObject[]; version: number }>;

export type ToPlanner =
  | Readonly<{ kind: 'parse'; id: number; text: string }>
  | Readonly<{
      kind: 'plan';
      id: number;
      /** The `parse` that gave the statement, and which one it was. */
      script: number;
      index: number;
      /** For a planner that has forgotten the tree; null at first. */
      text: string | null;
      context: RemoteContext;
      /** null: the same as the last time. */
      catalog: RemoteCatalog | null;
    }>;

export type FromPlanner =
  | Readonly<{ kind: 'parsed'; id: number; statements: readonly RemoteStatement[] }>
  /** null: a statement that the server's thread must plan itself. */
  | Readonly<{ kind: 'planned'; id: number; planned: Planned | null }>
  /** The tree is forgotten: the text is needed. */
  | Readonly<{ kind: 'forgotten'; id: number }>
  | Readonly<{ kind: 'error'; id: number; error: PlainError }>;
