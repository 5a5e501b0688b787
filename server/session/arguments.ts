/** What a client gives to a statement beside its text. */
import type { TypeName } from '../../common/types.ts';
import type { CatalogParameters } from '../system-catalog/catalog-request.ts';

export type Arguments = Readonly<{
  types: readonly (TypeName | null)[];
  /** PostgreSQL text forms, null = NULL; undefined while only describing. */
  values?: readonly (string | null)[];
  /** Of a query of the system catalog: the parameters as they came, and the formats that its rows are to have. */
  parameters?: CatalogParameters;
  resultFormats?: readonly number[];
}>;

export const NO_ARGUMENTS: Arguments = { types: [] };
/** Of a text that can't have any: $1 in it is 42P02. */
export const NEVER_ARGUMENTS: Arguments = { types: [], values: [] };
