import type { SelectStmt } from 'libpg-query';
import type { BindingContext } from './binding-context.ts';
import type { AggregateUse, Origins } from './clause.ts';

/** What the parts of one SELECT share. */
export type Surroundings = Readonly<{
  context: BindingContext;
  origins: Origins;
  select: SelectStmt;
  /** All aggregates of the SELECT: complete once its expressions are bound. */
  aggregates: readonly AggregateUse[];
}>;
