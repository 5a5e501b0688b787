/** A query while its output may still be typed by what is around it. */
import type { LogicalQuery } from '../logical/logical-plan.ts';
import type { Bound } from './bound.ts';

export type BoundQuery = LogicalQuery &
  Readonly<{
    /** By output column: a literal or parameter whose type is open (text if nobody asks), else null. */
    open: readonly (Bound | null)[];
    /** Byte location of each output column's expression. */
    locations: readonly number[];
  }>;
