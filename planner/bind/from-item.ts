/** What binding an item of FROM gives: a node, the names it brings, and a window that waits for GROUP BY. */
import type { SqlType } from '../../common/types.ts';
import type { WindowSpecification } from '../../runtime/plan/query-plan.ts';
import type { LogicalNode } from '../logical/logical-plan.ts';
import type { ScopeRelation } from './scope.ts';

/** How the window was spelled decides how it groups. */
export type PendingWindow = Readonly<{
  specification: WindowSpecification;
  /** Ordinal of the time column in the node. */
  time: number;
  timeType: SqlType;
  /** 'table-function': aggregates by window if GROUP BY names it; the others always do. */
  spelling: 'table-function' | 'group-by' | 'window-clause';
  /** SESSION(t PARTITION BY …): ordinals; null = not said. */
  partition: readonly number[] | null;
  location: number;
}>;

export type FromItem = Readonly<{
  node: LogicalNode;
  relations: readonly ScopeRelation[];
  window: PendingWindow | null;
}>;
