/** What must happen to the mirror so that it shows a state of the catalog: the difference to the one it shows, by OID. */
import { isArrayType, typeModifier, typeOid } from '../../common/types.ts';
import {
  BOOTSTRAP_ROLE,
  BOOTSTRAP_ROLE_NAME,
  BOOTSTRAP_ROLE_OID,
  type DatabaseDefinition,
  type Privilege,
  PUBLIC,
  type RoleDefinition,
} from '../../runtime/plan/authorization.ts';
import {
  type CatalogObject,
  type ColumnDefinition,
  FIRST_USER_OID,
  type IndexDefinition,
  isRelation,
  type Oid,
  type RelationDefinition,
  type SchemaDefinition,
  type TableDefinition,
} from '../../runtime/plan/relation.ts';
import { SYSTEM_SCHEMA, SYSTEM_VIEWS } from '../../runtime/plan/system-views.ts';
import type { CatalogView } from '../catalog.ts';
import { CATALOG_STUB_ROLES_MAX } from '../limits.ts';
import { accessTexts, policyRow } from './access-rows.ts';
import type {
  AccessTexts,
  AttributeRow,
  DatabaseRow,
  IndexRow,
  MirrorChange,
  PrintExpression,
  RelationRow,
  RoleRow,
  SchemaRow,
} from './mirror-rows.ts';
import {
  PRIMARY_KEY_BASE,
  PRIMARY_KEY_CONSTRAINT_BASE,
  STUB_ROLE_BASE,
  SYSTEM_SCHEMA_OID,
} from './own-oids.ts';
import { textTree } from './text-tree.ts';

/** The rule of a view that has no text: what the server itself shows. */
const NO_TREE = '<>';

/** Bytes of a name in the system tables. */
const NAME_BYTES_MAX = 63;

/** What one mirror shows. */
export class MirroredCatalog {
  readonly #print: PrintExpression;
  #view: CatalogView | null = null;
  #objects = new Map<Oid, CatalogObject>();
  #shownDatabase: DatabaseDefinition | null = null;
  /** Names of primary keys' indexes, by `schema\0name`, and the table that has it. */
  readonly #keyNames = new Map<string, Oid>();
  /** Users without a role of their own. */
  readonly #stubs = new Map<string, Oid>();

  constructor(print: PrintExpression) {
    this.#print = print;
  }

  /** What the role that owns all is called there. */
  get owner(): string {
    return this.#view?.roleByOid(BOOTSTRAP_ROLE_OID)?.name ?? BOOTSTRAP_ROLE_NAME;
  }

  /** null: it shows that already, with all these users. */
  advance(view: CatalogView, users: readonly string[]): MirrorChange | null {
    const first = this.#view === null;
    const goneObjects = this.#view === view ? [] : this.#gone(view);
    const gone = goneObjects.map(({ oid }) => oid);
    const changed = this.#view === view ? [] : this.#changed(view, goneObjects);
    const stubs = this.#stubRoles(view, users, gone);
    const database = this.#database(view);
    if (!first && gone.length + changed.length + stubs.length === 0 && database === null) {
      this.#view = view;
      return null;
    }
    const schemas = changed.flatMap((object) => (object.kind === 'schema' ? [schemaRow(view, object)] : []));
    const relations = this.#relationRows(view, changed);
    const roles = changed.flatMap((object) => (object.kind === 'role' ? [roleRow(view, object)] : []));
    this.#view = view;
    return {
      gone,
      schemas: first ? [...schemas, systemSchemaRow(view)] : schemas,
      relations: first ? [...relations, ...systemViewRows(view)] : relations,
      roles: [...roles, ...stubs],
      database,
    };
  }

  /** null: it is as it was. */
  #database(view: CatalogView): DatabaseRow | null {
    const database = view.database();
    if (database === this.#shownDatabase) return null;
    this.#shownDatabase = database;
    return { ...database, access: accessTexts(view, database.access) };
  }

  #gone(view: CatalogView): CatalogObject[] {
    const gone = [...this.#objects.values()].filter(({ oid }) => view.object(oid) === undefined);
    for (const { oid } of gone) this.#forget(oid);
    return gone;
  }

  #forget(oid: Oid): void {
    this.#objects.delete(oid);
    for (const [name, owner] of this.#keyNames) if (owner === oid) this.#keyNames.delete(name);
  }

  #changed(view: CatalogView, gone: readonly CatalogObject[]): readonly CatalogObject[] {
    const changed = new Map<Oid, CatalogObject>();
    for (const object of view.objects()) {
      if (!isMirrored(object)) continue;
      if (this.#objects.get(object.oid) !== object) changed.set(object.oid, object);
    }
    // indexes are shown with their relation
    for (const object of [...changed.values(), ...gone]) {
      const relation = object.kind === 'index' ? view.relationByOid(object.relation) : undefined;
      if (relation !== undefined) changed.set(relation.oid, relation);
    }
    // a primary key's index gives way to what takes its name
    for (const object of [...changed.values()]) {
      const schema = object.kind === 'index' ? view.relationByOid(object.relation)?.schema : schemaOf(object);
      const holder = view.relationByOid(this.#keyNames.get(nameKey(schema ?? '', object.name)) ?? 0);
      if (holder !== undefined) changed.set(holder.oid, holder);
    }
    for (const [oid, object] of changed) {
      this.#forget(oid);
      this.#objects.set(oid, object);
    }
    return [...changed.values()];
  }

  #stubRoles(view: CatalogView, users: readonly string[], gone: Oid[]): readonly RoleRow[] {
    for (const [name, oid] of this.#stubs) {
      const crowded = this.#stubs.size + users.length > CATALOG_STUB_ROLES_MAX && !users.includes(name);
      if (!crowded && view.role(name) === undefined) continue;
      this.#stubs.delete(name);
      gone.push(oid);
    }
    const made: RoleRow[] = [];
    for (const name of users) {
      if (view.role(name) !== undefined || this.#stubs.has(name)) continue;
      let oid = STUB_ROLE_BASE;
      const taken = new Set(this.#stubs.values());
      while (taken.has(oid)) oid++;
      this.#stubs.set(name, oid);
      // it has the privileges of the role that owns all
      made.push({
        ...roleRow(view, BOOTSTRAP_ROLE),
        oid,
        name,
        comment: null,
      });
    }
    return made;
  }

  #relationRows(view: CatalogView, changed: readonly CatalogObject[]): readonly RelationRow[] {
    return changed.flatMap((object) => {
      if (!isRelation(object) || object.kind === 'sink') return [];
      const schema = view.schema(object.schema);
      if (schema === undefined) return [];
      const key = object.kind === 'table' ? this.#primaryKey(view, object) : null;
      const indexes = view.indexesOf(object.oid).map(indexRow);
      return [relationRow(view, object, schema.oid, { primaryKey: key, indexes }, this.#print)];
    });
  }

  #primaryKey(view: CatalogView, table: TableDefinition): RelationRow['primaryKey'] {
    if (table.primaryKey.length === 0) return null;
    for (let number = 0; ; number++) {
      const suffix = number === 0 ? '_pkey' : `_pkey${number}`;
      const name = `${truncated(table.name, NAME_BYTES_MAX - suffix.length)}${suffix}`;
      const key = nameKey(table.schema, name);
      if (isNameTaken(view, table.schema, name) || this.#keyNames.has(key)) continue;
      this.#keyNames.set(key, table.oid);
      return {
        oid: PRIMARY_KEY_BASE + table.oid,
        constraint: PRIMARY_KEY_CONSTRAINT_BASE + table.oid,
        name,
        columns: table.primaryKey.map((i) => i + 1),
      };
    }
  }
}

/** PostgreSQL's own roles are in the mirror as they are in PostgreSQL. */
const isMirrored = (object: CatalogObject): boolean =>
  object.kind === 'schema' ||
  object.kind === 'index' ||
  (isRelation(object) && object.kind !== 'sink') ||
  (object.kind === 'role' && (object.oid >= FIRST_USER_OID || object.oid === BOOTSTRAP_ROLE_OID));

const schemaOf = (object: CatalogObject): string | undefined =>
  isRelation(object) ? object.schema : undefined;

const isNameTaken = (view: CatalogView, schema: string, name: string): boolean =>
  view.relation(schema, name) !== undefined || view.index(schema, name) !== undefined;

const indexRow = ({ oid, name, columns, method, order, comment }: IndexDefinition): IndexRow => ({
  oid,
  name,
  columns: columns.map((c) => c + 1),
  method,
  options: order.map(({ descending, nullsFirst }) => (descending ? 1 : 0) + (nullsFirst ? 2 : 0)),
  comment,
});

const nameKey = (schema: string, name: string): string => `${schema}\0${name}`;

/** No more than so many bytes, and no part of a character. */
export function truncated(name: string, bytesMax: number = NAME_BYTES_MAX): string {
  const bytes = Buffer.from(name);
  if (bytes.length <= bytesMax) return name;
  let end = bytesMax;
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}

const schemaRow = (view: CatalogView, schema: SchemaDefinition): SchemaRow => {
  const { oid, name, owner, comment } = schema;
  return { oid, name, owner, access: accessTexts(view, schema.access), comment };
};

function roleRow(view: CatalogView, role: RoleDefinition): RoleRow {
  const settings = Object.entries(role.settings).map(([name, value]) => `${name}=${value}`);
  return {
    ...role,
    validUntil: role.validUntil === null ? null : new Date(role.validUntil / 1_000).toISOString(),
    settings: settings.length === 0 ? null : settings,
    memberOf: role.memberOf,
    defaultAccess: (role.defaultAccess ?? []).flatMap(({ kind, schema, access }) => {
      // PostgreSQL has no secrets
      if (kind === 'secret') return [];
      return {
        type: kind === 'schema' ? ('n' as const) : ('r' as const),
        schema: schema ?? 0,
        access: accessTexts(view, access),
      };
    }),
  };
}

function relationRow(
  view: CatalogView,
  relation: Exclude<RelationDefinition, { kind: 'sink' }>,
  schema: Oid,
  keys: Pick<RelationRow, 'primaryKey' | 'indexes'>,
  print: PrintExpression,
): RelationRow {
  const names = relation.columns.map((column) => column.name);
  const isView = relation.kind === 'view' || relation.kind === 'materialized-view';
  return {
    oid: relation.oid,
    name: relation.name,
    schema,
    owner: relation.owner,
    kind: relation.kind === 'view' ? 'v' : relation.kind === 'materialized-view' ? 'm' : 'r',
    options: optionsOf(relation),
    comment: relation.comment,
    definition: isView ? `(${textTree(` ${relation.query.trim()};`)})` : null,
    dependencies: isView ? relation.dependencies : [],
    attributes: relation.columns.map((column) => attributeRow(column, names, print)),
    ...keys,
    access: accessTexts(view, relation.access),
    rowSecurity: relation.rowSecurity?.enabled ?? false,
    forceRowSecurity: relation.rowSecurity?.forced ?? false,
    policies: relation.rowSecurity?.policies.map(policyRow) ?? [],
  };
}

function optionsOf(relation: RelationDefinition): readonly string[] | null {
  if (relation.kind === 'stream') return ['kind=stream', `connector=${relation.source.connector}`];
  return relation.kind === 'view' && relation.securityInvoker ? ['security_invoker=true'] : null;
}

function attributeRow(
  column: ColumnDefinition,
  names: readonly string[],
  print: PrintExpression,
): AttributeRow {
  const { name, type, notNull, defaultValue, generated, comment } = column;
  return {
    name,
    type: typeOid(type.name),
    modifier: typeModifier(type),
    dimensions: isArrayType(type.name) ? 1 : 0,
    notNull,
    default: defaultValue === null ? null : print(defaultValue, names),
    generated: generated === null ? null : print(generated, names),
    comment,
  };
}

const toAll = (view: CatalogView, privilege: Privilege): AccessTexts =>
  accessTexts(view, [
    { grantee: PUBLIC, grantor: BOOTSTRAP_ROLE_OID, privileges: [privilege], grantable: [] },
  ]);

const systemSchemaRow = (view: CatalogView): SchemaRow => ({
  oid: SYSTEM_SCHEMA_OID,
  name: SYSTEM_SCHEMA,
  owner: BOOTSTRAP_ROLE_OID,
  access: toAll(view, 'U'),
  comment: 'what the server does',
});

function systemViewRows(view: CatalogView): readonly RelationRow[] {
  return Object.entries(SYSTEM_VIEWS).map(([name, fields], i) => ({
    oid: SYSTEM_SCHEMA_OID + 1 + i,
    name,
    schema: SYSTEM_SCHEMA_OID,
    owner: BOOTSTRAP_ROLE_OID,
    kind: 'v',
    options: null,
    comment: null,
    definition: NO_TREE,
    dependencies: [],
    attributes: fields.map((field) => ({
      name: field.name,
      type: typeOid(field.type.name),
      modifier: -1,
      dimensions: 0,
      notNull: false,
      default: null,
      generated: null,
      comment: null,
    })),
    primaryKey: null,
    indexes: [],
    access: toAll(view, 'r'),
    rowSecurity: false,
    forceRowSecurity: false,
    policies: [],
  }));
}
