/** A catalog in memory: what the planner's tests define statements against. */
import { SqlError } from '../../common/sql-error.ts';
import type { Catalog } from '../../planner/catalog.ts';
import { parseStatements, planStatement } from '../../planner/planner.ts';
import { shiftPosition } from '../../planner/parse/shift-position.ts';
import type { ParsedStatement, PlanContext, Planned } from '../../planner/statement.ts';
import {
  BOOTSTRAP_ROLE,
  BUILT_IN_ROLES,
  DATABASE,
  type DatabaseDefinition,
  type RoleDefinition,
} from '../../runtime/plan/authorization.ts';
import {
  type CatalogObject,
  FIRST_USER_OID,
  type IndexDefinition,
  isRelation,
  type Oid,
  type RelationDefinition,
  type SchemaDefinition,
} from '../../runtime/plan/relation.ts';
import type { SecretDefinition } from '../../runtime/plan/secret.ts';

export class MemoryCatalog implements Catalog {
  readonly #objects = new Map<Oid, CatalogObject>();
  #nextOid = FIRST_USER_OID;
  version = 1;

  constructor() {
    for (const role of BUILT_IN_ROLES) this.#objects.set(role.oid, role);
    for (const name of ['public', 'millrace', 'pg_catalog']) {
      const oid = this.allocateOid();
      this.#objects.set(oid, {
        kind: 'schema',
        oid,
        name,
        comment: null,
        owner: BOOTSTRAP_ROLE.oid,
        access: null,
      });
    }
  }

  schema(name: string): SchemaDefinition | undefined {
    for (const o of this.#objects.values()) if (o.kind === 'schema' && o.name === name) return o;
    return undefined;
  }

  relation(schema: string, name: string): RelationDefinition | undefined {
    for (const o of this.#objects.values()) {
      if (isRelation(o) && o.schema === schema && o.name === name) return o;
    }
    return undefined;
  }

  index(schema: string, name: string): IndexDefinition | undefined {
    for (const o of this.#objects.values())
      if (o.kind === 'index' && o.name === name && this.relationByOid(o.relation)?.schema === schema)
        return o;
    return undefined;
  }

  indexesOf(relation: Oid): readonly IndexDefinition[] {
    return [...this.#objects.values()].flatMap((o) =>
      o.kind === 'index' && o.relation === relation ? [o] : [],
    );
  }

  relationByOid(oid: Oid): RelationDefinition | undefined {
    const found = this.#objects.get(oid);
    return found !== undefined && isRelation(found) ? found : undefined;
  }

  secret(schema: string, name: string): SecretDefinition | undefined {
    for (const o of this.#objects.values())
      if (o.kind === 'secret' && o.schema === schema && o.name === name) return o;
    return undefined;
  }

  role(name: string): RoleDefinition | undefined {
    for (const o of this.#objects.values()) if (o.kind === 'role' && o.name === name) return o;
    return undefined;
  }

  roleByOid(oid: Oid): RoleDefinition | undefined {
    const found = this.#objects.get(oid);
    return found?.kind === 'role' ? found : undefined;
  }

  database(): DatabaseDefinition {
    return DATABASE;
  }

  objects(): Iterable<CatalogObject> {
    return this.#objects.values();
  }

  dependents(oid: Oid): readonly RelationDefinition[] {
    return [...this.#objects.values()].flatMap((o) =>
      o.kind !== 'schema' && 'dependencies' in o && o.dependencies.includes(oid) ? [o] : [],
    );
  }

  allocateOid(): Oid {
    return this.#nextOid++;
  }

  /** Carries out what a session would. */
  apply(planned: Planned): void {
    const { statement } = planned;
    if (statement.kind === 'create') this.#objects.set(statement.object.oid, statement.object);
    if (statement.kind === 'drop') for (const oid of statement.oids) this.#objects.delete(oid);
    if (statement.kind === 'alter')
      for (const object of statement.objects) this.#objects.set(object.oid, object);
    if (statement.kind === 'change') {
      for (const change of statement.changes) {
        if (change.kind === 'drop') for (const oid of change.oids) this.#objects.delete(oid);
        else this.#objects.set(change.object.oid, change.object);
      }
    }
    this.version++;
  }
}

const SETTINGS: ReadonlyMap<string, string> = new Map([
  ['timezone', 'UTC'],
  ['datestyle', 'ISO, MDY'],
  ['server_version', '18.0'],
]);

export function planContext(catalog: Catalog, overrides: Partial<PlanContext> = {}): PlanContext {
  return {
    catalog,
    searchPath: ['public'],
    settings: SETTINGS,
    parameterTypes: [],
    user: 'tester',
    role: BOOTSTRAP_ROLE.oid,
    sessionUser: 'tester',
    sessionRole: BOOTSTRAP_ROLE.oid,
    loginRole: BOOTSTRAP_ROLE.oid,
    claims: null,
    now: 1_767_225_600_000_000,
    ...overrides,
  };
}

/** Plans each statement and carries out definitions. Positions of errors count in the whole text. */
export function run(
  catalog: MemoryCatalog,
  sql: string,
  overrides: Partial<PlanContext> = {},
): readonly Planned[] {
  return parseStatements(sql).map((statement) => {
    const result = planShifted(statement, planContext(catalog, overrides));
    catalog.apply(result);
    return result;
  });
}

function planShifted(statement: ParsedStatement, context: PlanContext): Planned {
  try {
    return planStatement(statement, context);
  } catch (error) {
    throw error instanceof SqlError ? shiftPosition(error, statement.offset) : error;
  }
}

export const FIXTURE = `
  CREATE STREAM tweets (at timestamptz NOT NULL, tag text, author bigint, score double precision,
    WATERMARK FOR at AS at - INTERVAL '2 seconds');
  CREATE STREAM clicks (id int, url text) WITH (retention = 'none');
  CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL, age int, joined date, balance numeric(12,2));
  CREATE VIEW scores AS SELECT tag, score FROM tweets WHERE score > 0;
  CREATE MATERIALIZED VIEW per_minute AS
    SELECT tag, window_end, count(*) AS n, sum(score) AS total FROM TUMBLE(tweets, at, INTERVAL '1 minute') GROUP BY tag, window_end;
`;
