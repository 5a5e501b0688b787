/** What the binder asks of the catalog. The server's catalog implements it; tests use a plain one. */
import type { DatabaseDefinition, RoleDefinition } from '../runtime/plan/authorization.ts';
import type { SecretDefinition } from '../runtime/plan/secret.ts';
import type {
  CatalogObject,
  IndexDefinition,
  Oid,
  RelationDefinition,
  SchemaDefinition,
} from '../runtime/plan/relation.ts';

export interface Catalog {
  /** Changes with every change of the catalog: part of every plan cache's key. */
  readonly version: number;
  schema(name: string): SchemaDefinition | undefined;
  relation(schema: string, name: string): RelationDefinition | undefined;
  relationByOid(oid: Oid): RelationDefinition | undefined;
  index(schema: string, name: string): IndexDefinition | undefined;
  /** Of the table or materialized view, in the order of their creation. */
  indexesOf(relation: Oid): readonly IndexDefinition[];
  secret(schema: string, name: string): SecretDefinition | undefined;
  role(name: string): RoleDefinition | undefined;
  roleByOid(oid: Oid): RoleDefinition | undefined;
  database(): DatabaseDefinition;
  objects(): Iterable<CatalogObject>;
  /** Relations that refer to this one, or to this secret. */
  dependents(oid: Oid): readonly RelationDefinition[];
  /** A fresh OID; never given twice. */
  allocateOid(): Oid;
}
