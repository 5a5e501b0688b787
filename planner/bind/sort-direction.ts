import type { SortBy } from 'libpg-query';
import type { BindingContext } from './binding-context.ts';
import { stringOf } from './tree.ts';

/** ASC puts NULLs last, DESC first, unless said otherwise. */
export function sortDirection(
  context: BindingContext,
  sort: SortBy,
): Readonly<{ descending: boolean; nullsFirst: boolean }> {
  let descending = sort.sortby_dir === 'SORTBY_DESC';
  if (sort.sortby_dir === 'SORTBY_USING') {
    const operator = (sort.useOp ?? []).map(stringOf).at(-1);
    if (operator !== '<' && operator !== '>') {
      throw context.error(
        sort.location,
        '42809',
        `operator ${operator ?? ''} is not a valid ordering operator`,
        'Ordering operators must be "<" or ">" members of btree operator families.',
      );
    }
    descending = operator === '>';
  }
  const nullsFirst =
    sort.sortby_nulls === 'SORTBY_NULLS_FIRST' || (sort.sortby_nulls !== 'SORTBY_NULLS_LAST' && descending);
  return { descending, nullsFirst };
}
