import type { SqlType, TypeName } from '../../common/types.ts';
import type { ParsedStatement, Planned } from '../../planner/statement.ts';
import type { CatalogDescription } from './catalog-statement.ts';

/** A prepared statement, by Parse or by PREPARE; both share one set of names. */
export type Prepared = Readonly<{
  /** null: an empty statement. */
  parsed: ParsedStatement | null;
  declaredTypes: readonly (TypeName | null)[];
  parameterTypes: readonly SqlType[];
  /** As planned when it was prepared: for Describe. */
  planned: Planned | null;
  /** Of a query of the system catalog: its parameters and columns. */
  described: CatalogDescription | null;
}>;
