/** Names of FROM: which relation and column an identifier means (PostgreSQL's parse_relation.c). */
import { nearestNames } from '../../common/nearest-name.ts';
import type { SqlType } from '../../common/types.ts';

export type ScopeColumn = Readonly<{
  name: string;
  type: SqlType;
  /** Ordinal in the SELECT's input. */
  index: number;
  /** Found by name, not by `*`. */
  hidden: boolean;
}>;

export type ScopeRelation = Readonly<{
  alias: string;
  /** The relation's own name where an alias hides it. */
  original: string | null;
  schema: string | null;
  columns: readonly ScopeColumn[];
  /** Its columns are found behind its alias alone, and not by `*` (old and new of RETURNING). */
  qualifiedOnly?: boolean;
}>;

export type ColumnMatch =
  | Readonly<{ kind: 'column'; column: ScopeColumn; relation: ScopeRelation }>
  | Readonly<{ kind: 'ambiguous' }>
  | Readonly<{ kind: 'relation-missing' }>
  | Readonly<{ kind: 'missing' }>;

export class Scope {
  readonly relations: readonly ScopeRelation[];
  /** The query around this one: its names mean a correlated sub-query. */
  readonly outer: Scope | null;

  constructor(relations: readonly ScopeRelation[], outer: Scope | null) {
    this.relations = relations;
    this.outer = outer;
  }

  findColumn(name: string): ColumnMatch {
    const matches = this.#columnsNamed(name, (c) => !c.hidden);
    const found = matches.length > 0 ? matches : this.#columnsNamed(name, (c) => c.hidden);
    const [first] = found;
    if (first === undefined) return { kind: 'missing' };
    return found.length > 1 ? { kind: 'ambiguous' } : { kind: 'column', ...first };
  }

  #columnsNamed(name: string, wanted: (c: ScopeColumn) => boolean) {
    const searched = this.relations.filter((relation) => relation.qualifiedOnly !== true);
    return searched.flatMap((relation) =>
      relation.columns.filter((c) => c.name === name && wanted(c)).map((column) => ({ column, relation })),
    );
  }

  findQualified(schema: string | null, alias: string, name: string): ColumnMatch {
    const relation = this.findRelation(schema, alias);
    if (relation === undefined) return { kind: 'relation-missing' };
    const matches = relation.columns.filter((c) => c.name === name);
    const visible = matches.filter((c) => !c.hidden);
    const found = visible.length > 0 ? visible : matches;
    const [column] = found;
    if (column === undefined) return { kind: 'missing' };
    return found.length > 1 ? { kind: 'ambiguous' } : { kind: 'column', column, relation };
  }

  findRelation(schema: string | null, alias: string): ScopeRelation | undefined {
    return this.relations.find(
      (r) => r.alias === alias && (schema === null || (r.schema === schema && r.original === null)),
    );
  }

  /** PostgreSQL's hint for a column that is not there: the nearest name within three edits and half its length. */
  suggestion(name: string, alias: string | null): string | undefined {
    const places = this.relations
      .filter((relation) => alias === null || relation.alias === alias)
      .flatMap((relation) =>
        relation.columns
          .filter((column) => !column.hidden)
          .map((column) => ({ name: column.name, shown: `"${relation.alias}.${column.name}"` })),
      );
    const nearest = new Set(
      nearestNames(
        name,
        places.map((place) => place.name),
      ),
    );
    const found = places.filter((place) => nearest.has(place.name)).map((place) => place.shown);
    if (found.length === 1) return `Perhaps you meant to reference the column ${found[0]}.`;
    if (found.length === 2) {
      return `Perhaps you meant to reference the column ${found[0]} or the column ${found[1]}.`;
    }
    return undefined;
  }
}
