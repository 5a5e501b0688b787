/** The catalog as the planner asks for it: an index over plain objects, and the queue through which DDL goes. */
import type { Catalog } from '../planner/catalog.ts';
import type { Engine } from '../runtime/engine-client.ts';
import {
  BOOTSTRAP_ROLE_OID,
  BUILT_IN_ROLES,
  DATABASE,
  type DatabaseDefinition,
  PUBLIC_SCHEMA_ACCESS,
  PUBLIC_SCHEMA_OID,
  type RoleDefinition,
  type TokenDefinition,
} from '../runtime/plan/authorization.ts';
import {
  type CatalogChange,
  type CatalogObject,
  type IndexDefinition,
  isRelation,
  type Oid,
  type RelationDefinition,
  type SchemaDefinition,
  secretsOf,
} from '../runtime/plan/relation.ts';
import type { SecretDefinition } from '../runtime/plan/secret.ts';

/** Gives OIDs, each once, whether or not the object is ever committed. */
export class OidAllocator {
  #next: Oid;

  constructor(next: Oid) {
    this.#next = next;
  }

  allocate(): Oid {
    return this.#next++;
  }

  raiseTo(next: Oid): void {
    this.#next = Math.max(this.#next, next);
  }
}

/** One state of the catalog; never changed. */
export class CatalogView implements Catalog {
  readonly version: number;
  readonly #oids: OidAllocator;
  readonly #objects: ReadonlyMap<Oid, CatalogObject>;
  readonly #schemas = new Map<string, SchemaDefinition>();
  readonly #roles = new Map<string, RoleDefinition>();
  readonly #relations = new Map<string, RelationDefinition>();
  readonly #indexes = new Map<string, IndexDefinition>();
  readonly #indexesOf = new Map<Oid, IndexDefinition[]>();
  readonly #secrets = new Map<string, SecretDefinition>();
  readonly #tokens = new Map<string, TokenDefinition>();
  readonly #dependents = new Map<Oid, RelationDefinition[]>();
  readonly hasPasswords: boolean;

  constructor(objects: Iterable<CatalogObject>, version: number, oids: OidAllocator) {
    this.version = version;
    this.#oids = oids;
    const byOid = new Map<Oid, CatalogObject>();
    for (const object of objects) byOid.set(object.oid, object);
    for (const object of byOid.values()) {
      if (object.kind === 'schema') this.#schemas.set(object.name, object);
      if (object.kind === 'role') this.#roles.set(object.name, object);
      if (object.kind === 'token') this.#tokens.set(object.hash, object);
      if (object.kind === 'secret') this.#secrets.set(relationKey(object.schema, object.name), object);
      if (!isRelation(object)) continue;
      this.#relations.set(relationKey(object.schema, object.name), object);
      for (const oid of dependenciesOf(object)) {
        const known = this.#dependents.get(oid);
        if (known === undefined) this.#dependents.set(oid, [object]);
        else known.push(object);
      }
    }
    for (const object of byOid.values()) {
      if (object.kind !== 'index') continue;
      const relation = byOid.get(object.relation);
      // it goes with its relation
      if (relation === undefined || !isRelation(relation)) byOid.delete(object.oid);
      else this.#addIndex(relation, object);
    }
    this.#objects = byOid;
    this.hasPasswords = [...this.#roles.values()].some(({ verifier }) => verifier !== null);
  }

  schema(name: string): SchemaDefinition | undefined {
    return this.#schemas.get(name);
  }

  relation(schema: string, name: string): RelationDefinition | undefined {
    return this.#relations.get(relationKey(schema, name));
  }

  index(schema: string, name: string): IndexDefinition | undefined {
    return this.#indexes.get(relationKey(schema, name));
  }

  indexesOf(relation: Oid): readonly IndexDefinition[] {
    return this.#indexesOf.get(relation) ?? [];
  }

  relationByOid(oid: Oid): RelationDefinition | undefined {
    const object = this.#objects.get(oid);
    return object !== undefined && isRelation(object) ? object : undefined;
  }

  secret(schema: string, name: string): SecretDefinition | undefined {
    return this.#secrets.get(relationKey(schema, name));
  }

  role(name: string): RoleDefinition | undefined {
    return this.#roles.get(name);
  }

  roleByOid(oid: Oid): RoleDefinition | undefined {
    const object = this.#objects.get(oid);
    return object?.kind === 'role' ? object : undefined;
  }

  database(): DatabaseDefinition {
    const object = this.#objects.get(DATABASE.oid);
    return object?.kind === 'database' ? object : DATABASE;
  }

  /** By the hash of what the client sent. */
  tokenByHash(hash: string): TokenDefinition | undefined {
    return this.#tokens.get(hash);
  }

  object(oid: Oid): CatalogObject | undefined {
    return this.#objects.get(oid);
  }

  objects(): Iterable<CatalogObject> {
    return this.#objects.values();
  }

  dependents(oid: Oid): readonly RelationDefinition[] {
    return this.#dependents.get(oid) ?? [];
  }

  allocateOid(): Oid {
    return this.#oids.allocate();
  }

  #addIndex({ oid, schema }: RelationDefinition, index: IndexDefinition): void {
    this.#indexes.set(relationKey(schema, index.name), index);
    this.#indexesOf.set(oid, [...this.indexesOf(oid), index]);
  }

  /** This state with changes on top, under a version of its own so that no cached plan is taken for it. */
  with(changes: readonly CatalogChange[], version: number): CatalogView {
    const objects = new Map(this.#objects);
    for (const change of changes) {
      switch (change.kind) {
        case 'create':
          if (change.replaces !== null) objects.delete(change.replaces);
          objects.set(change.object.oid, change.object);
          break;
        case 'alter':
          objects.set(change.object.oid, change.object);
          break;
        case 'drop':
          for (const oid of change.oids) objects.delete(oid);
          break;
      }
    }
    return new CatalogView(objects.values(), version, this.#oids);
  }
}

/** Zero bytes can't be in a name. */
const relationKey = (schema: string, name: string): string => `${schema}\0${name}`;

function dependenciesOf(relation: RelationDefinition): readonly Oid[] {
  switch (relation.kind) {
    case 'view':
    case 'materialized-view':
      return relation.dependencies;
    case 'sink':
      return relation.into === null ? relation.dependencies : [...relation.dependencies, relation.into];
    case 'stream':
      return secretsOf(relation);
    default:
      return [];
  }
}

/** There from the start, under PostgreSQL's own OID. */
const PUBLIC_SCHEMA: SchemaDefinition = {
  kind: 'schema',
  oid: PUBLIC_SCHEMA_OID,
  name: 'public',
  comment: 'standard public schema',
  owner: BOOTSTRAP_ROLE_OID,
  access: PUBLIC_SCHEMA_ACCESS,
};

type CatalogWatcher = (view: CatalogView, changes: readonly CatalogChange[]) => void;

/** The committed catalog. Changes go one after the other: each is planned against what the one before it left. */
export class ServerCatalog {
  readonly #engine: Engine;
  readonly #oids: OidAllocator;
  #current: CatalogView;
  #queue: Promise<unknown> = Promise.resolve();
  /** Versions of blocks' own views are negative, so that they never meet a committed one. */
  #overlayVersion = 0;
  readonly #watchers = new Set<CatalogWatcher>();

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#oids = new OidAllocator(engine.catalog.nextOid);
    this.#current = this.#read();
  }

  get current(): CatalogView {
    return this.#current;
  }

  /** Is told of every committed change, before whoever made it, until what this gives is called. */
  watch(watcher: CatalogWatcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  overlay(changes: readonly CatalogChange[]): CatalogView {
    return this.#current.with(changes, --this.#overlayVersion);
  }

  /** Runs `work` when every change before it is done; within it `define` may be called. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#queue.then(work, work);
    this.#queue = run.catch(() => {});
    return run;
  }

  /** `block`: its writes land with the changes. */
  async define(changes: readonly CatalogChange[], block?: number): Promise<number> {
    const { tick, version } = await this.#engine.define(changes, block);
    this.#current = this.#current.with(changes, version);
    for (const watcher of [...this.#watchers]) watcher(this.#current, changes);
    return tick;
  }

  #read(): CatalogView {
    const { objects, nextOid, version } = this.#engine.catalog;
    this.#oids.raiseTo(nextOid);
    // what a change altered is in the engine's catalog, and comes after
    return new CatalogView([DATABASE, PUBLIC_SCHEMA, ...BUILT_IN_ROLES, ...objects], version, this.#oids);
  }
}
