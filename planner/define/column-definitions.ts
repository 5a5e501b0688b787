/** Columns of CREATE TABLE and CREATE STREAM: types, NOT NULL, DEFAULT, GENERATED, PRIMARY KEY. */
import type { ColumnDef, Constraint, CreateStmt, Node } from 'libpg-query';
import type { SqlType } from '../../common/types.ts';
import type { Expression } from '../../runtime/plan/expression.ts';
import type { ColumnDefinition } from '../../runtime/plan/relation.ts';
import type { BindingContext } from '../bind/binding-context.ts';
import { plainClause } from '../bind/clause.ts';
import { coerceForColumn } from '../bind/coerce.ts';
import { ExpressionBinder } from '../bind/expression-binder.ts';
import { Scope } from '../bind/scope.ts';
import { stringOf } from '../bind/tree.ts';
import { resolveType } from '../bind/type-names.ts';
import { ENVIRONMENT } from '../statement-context.ts';

export const COLUMNS_MAX = 1600;

export type Columns = Readonly<{
  columns: readonly ColumnDefinition[];
  primaryKey: readonly number[];
  /** Byte location of the first PRIMARY KEY. */
  keyLocation: number | null;
}>;

type Draft = Readonly<{
  name: string;
  type: SqlType;
  definition: ColumnDef;
  constraints: readonly Constraint[];
}>;

export function bindColumns(binding: BindingContext, relation: string, create: CreateStmt): Columns {
  const drafts: Draft[] = [];
  let keyNames: readonly string[] | null = null;
  let keyLocation: number | null = null;
  const setKey = (names: readonly string[], location: number | undefined): void => {
    if (keyNames !== null) {
      throw binding.error(location, '42P16', `multiple primary keys for table "${relation}" are not allowed`);
    }
    keyNames = names;
    keyLocation = location ?? 0;
  };
  for (const element of create.tableElts ?? []) {
    if ('ColumnDef' in element) {
      const draft = draftOf(binding, element.ColumnDef);
      if (drafts.some((d) => d.name === draft.name)) {
        throw binding.error(-1, '42701', `column "${draft.name}" specified more than once`);
      }
      drafts.push(draft);
      for (const c of draft.constraints) if (c.contype === 'CONSTR_PRIMARY') setKey([draft.name], c.location);
    } else if ('Constraint' in element) {
      const { Constraint: constraint } = element;
      if (constraint.contype !== 'CONSTR_PRIMARY') throw refuseConstraint(binding, constraint);
      setKey((constraint.keys ?? []).map(stringOf), constraint.location);
    } else {
      throw binding.error(
        -1,
        '0A000',
        'LIKE and table inheritance are not supported',
        'Write the columns out.',
      );
    }
  }
  if (drafts.length > COLUMNS_MAX)
    throw binding.error(-1, '54011', `tables can have at most ${COLUMNS_MAX} columns`);
  const primaryKey = (keyNames ?? ([] as readonly string[])).map((name, i, all) => {
    const at = drafts.findIndex((d) => d.name === name);
    if (at < 0)
      throw binding.error(keyLocation ?? -1, '42703', `column "${name}" named in key does not exist`);
    if (all.indexOf(name) !== i)
      throw binding.error(
        keyLocation ?? -1,
        '42701',
        `column "${name}" appears twice in primary key constraint`,
      );
    if (/^_?json$/.test(drafts[at]?.type.name ?? '')) {
      throw binding.error(
        keyLocation ?? -1,
        '42704',
        'data type json has no default operator class for access method "btree"',
      );
    }
    return at;
  });
  const columns = drafts.map((draft, i) =>
    columnOf(binding, relation, drafts, draft, primaryKey.includes(i)),
  );
  return { columns, primaryKey, keyLocation };
}

function draftOf(binding: BindingContext, definition: ColumnDef): Draft {
  const type = resolveType(definition.typeName ?? {}, (location, code, message, hint) =>
    binding.error(location, code, message, hint),
  );
  if (definition.collClause !== undefined) {
    const name = (definition.collClause.collname ?? []).map(stringOf).at(-1) ?? '';
    if (!['C', 'POSIX', 'default', 'ucs_basic'].includes(name)) {
      throw binding.error(
        definition.collClause.location,
        '0A000',
        `collation "${name}" is not supported`,
        'All text is compared by its bytes (COLLATE "C").',
      );
    }
  }
  const constraints = (definition.constraints ?? []).flatMap((node: Node) =>
    'Constraint' in node ? [node.Constraint] : [],
  );
  return { name: definition.colname ?? '', type, definition, constraints };
}

const CONSTRAINT_NAMES: Readonly<Record<string, string>> = {
  CONSTR_UNIQUE: 'UNIQUE',
  CONSTR_CHECK: 'CHECK',
  CONSTR_FOREIGN: 'FOREIGN KEY',
  CONSTR_EXCLUSION: 'EXCLUDE',
  CONSTR_IDENTITY: 'GENERATED AS IDENTITY',
};

function refuseConstraint(binding: BindingContext, constraint: Constraint): Error {
  const name = CONSTRAINT_NAMES[constraint.contype ?? ''] ?? 'this kind of constraint';
  return binding.error(
    constraint.location,
    '0A000',
    `${name} is not supported`,
    'PRIMARY KEY and NOT NULL are; check other conditions where rows come from.',
  );
}

function conflictingNull(binding: BindingContext, relation: string, draft: Draft, at: Constraint): Error {
  return binding.error(
    at.location,
    '42601',
    `conflicting NULL/NOT NULL declarations for column "${draft.name}" of table "${relation}"`,
  );
}

function columnOf(
  binding: BindingContext,
  relation: string,
  drafts: readonly Draft[],
  draft: Draft,
  isKey: boolean,
): ColumnDefinition {
  let notNull = isKey;
  let isNull = false;
  let defaultValue: Expression | null = null;
  let generated: Expression | null = null;
  for (const constraint of draft.constraints) {
    switch (constraint.contype) {
      case 'CONSTR_NOTNULL':
      case 'CONSTR_NULL': {
        const isNotNull = constraint.contype === 'CONSTR_NOTNULL';
        if (isNotNull ? isNull : notNull && !isKey)
          throw conflictingNull(binding, relation, draft, constraint);
        if (isNotNull) notNull = true;
        else isNull = true;
        break;
      }
      case 'CONSTR_PRIMARY':
        break;
      case 'CONSTR_DEFAULT':
        defaultValue = bindDefault(binding, draft, constraint.raw_expr as Node);
        break;
      case 'CONSTR_GENERATED':
        generated = bindGenerated(binding, drafts, draft, constraint);
        break;
      default:
        throw refuseConstraint(binding, constraint);
    }
  }
  if (isNull && isKey) {
    throw binding.error(
      draft.definition.location,
      '42601',
      `conflicting NULL/NOT NULL declarations for column "${draft.name}" of table "${relation}"`,
    );
  }
  if (generated !== null && defaultValue !== null) {
    throw binding.error(
      draft.definition.location,
      '42601',
      `both default and generation expression specified for column "${draft.name}"`,
    );
  }
  return { name: draft.name, type: draft.type, notNull, defaultValue, generated, comment: null };
}

function bindDefault(binding: BindingContext, draft: Draft, node: Node): Expression | null {
  const binder = new ExpressionBinder(
    binding,
    new Scope([], null),
    plainClause('DEFAULT expressions'),
    new WeakMap(),
    ENVIRONMENT,
  );
  refuseColumns(binding, node);
  const value = coerceForColumn(binding, binder.bind(node), draft.name, draft.type, 'default expression');
  refuseSubquery(binding);
  return value.kind === 'constant' && value.text === null ? null : value;
}

/** A default is computed without a row. */
function refuseColumns(binding: BindingContext, node: Node): void {
  if ('ColumnRef' in node) {
    throw binding.error(
      node.ColumnRef.location,
      '0A000',
      'cannot use column reference in DEFAULT expression',
    );
  }
}

function refuseSubquery(binding: BindingContext): void {
  const { firstSubquery } = binding.gathered;
  if (firstSubquery !== null)
    throw binding.error(firstSubquery, '0A000', 'cannot use subquery in DEFAULT expression');
}

function bindGenerated(
  binding: BindingContext,
  drafts: readonly Draft[],
  draft: Draft,
  constraint: Constraint,
): Expression {
  if (constraint.generated_kind === 'v') {
    throw binding.error(
      constraint.location,
      '0A000',
      'VIRTUAL generated columns are not supported',
      'Write STORED.',
    );
  }
  const columns = drafts.map((d, index) => ({ name: d.name, type: d.type, index, hidden: false }));
  const isGenerated = (name: string): boolean =>
    drafts.find((d) => d.name === name)?.constraints.some((c) => c.contype === 'CONSTR_GENERATED') === true;
  const usable = columns.filter((c) => !isGenerated(c.name));
  const scope = new Scope([{ alias: '', original: null, schema: null, columns: usable }], null);
  const binder = new ExpressionBinder(
    binding,
    scope,
    plainClause('column generation expressions'),
    new WeakMap(),
    ENVIRONMENT,
  );
  const value = coerceForColumn(binding, binder.bind(constraint.raw_expr as Node), draft.name, draft.type);
  refuseSubquery(binding);
  return value;
}
