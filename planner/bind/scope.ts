/** Names of FROM: which relation and column an identifier means (PostgreSQL's parse_relation.c). */
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
    let best = Math.min(3, Math.floor(name.length / 2)) + 1;
    const found: string[] = [];
    for (const relation of this.relations) {
      if (alias !== null && relation.alias !== alias) continue;
      for (const column of relation.columns) {
        if (column.hidden) continue;
        const distance = editDistance(name, column.name);
        if (distance > Math.floor(name.length / 2)) continue;
        if (distance < best) found.length = 0;
        if (distance <= best && distance < 4) {
          best = distance;
          found.push(`"${relation.alias}.${column.name}"`);
        }
      }
    }
    if (found.length === 1) return `Perhaps you meant to reference the column ${found[0]}.`;
    if (found.length === 2) {
      return `Perhaps you meant to reference the column ${found[0]} or the column ${found[1]}.`;
    }
    return undefined;
  }
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, substitution));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
