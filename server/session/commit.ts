/** COMMIT: all of a block in one tick. */
import { SqlError } from '../../common/sql-error.ts';
import {
  type CatalogChange,
  type CatalogObject,
  isRelation,
  type Oid,
  secretsOf,
  type RelationDefinition,
} from '../../runtime/plan/relation.ts';
import type { CatalogView } from '../catalog.ts';
import { defineChanges } from './define-changes.ts';
import type { Session } from './session.ts';
import type { Transaction } from './transaction.ts';

/** Gives the tick of the writes or changes, null where there were none. */
export async function commitTransaction(session: Session, transaction: Transaction): Promise<number | null> {
  const { catalog, engine } = session.context;
  const { block, changes, statements } = transaction;
  if (transaction.isEmpty) return null;
  if (changes.length === 0) return (await engine.commitBlock(block)).tick;
  return catalog.exclusively(() => {
    verifyChanges(catalog.current, changes, transaction.bases);
    return statements === 0 ? defineChanges(session, changes) : defineChanges(session, changes, block);
  });
}

/** Whether changes that were planned against an older catalog still hold: other sessions may have changed it since. */
export function verifyChanges(
  current: CatalogView,
  changes: readonly CatalogChange[],
  bases: ReadonlyMap<Oid, CatalogObject | undefined> = new Map(),
): void {
  const gone = new Set<Oid>();
  const made = new Set<Oid>();
  for (const change of changes) {
    switch (change.kind) {
      case 'create':
        if (change.replaces !== null) {
          requireObject(current, change.replaces, made);
          gone.add(change.replaces);
        }
        if (change.object.kind === 'index') requireObject(current, change.object.relation, made);
        for (const secret of secretsOf(change.object)) requireObject(current, secret, made);
        requireFreeName(current, change.object, changes, gone, made);
        made.add(change.object.oid);
        break;
      case 'alter':
        requireObject(current, change.object.oid, made);
        // an alteration is the whole object: it would take back what others did to it meanwhile
        if (
          bases.has(change.object.oid) &&
          bases.get(change.object.oid) !== current.object(change.object.oid)
        )
          throw concurrentChange();
        break;
      case 'drop':
        for (const oid of change.oids) requireObject(current, oid, made);
        for (const oid of change.oids) gone.add(oid);
        break;
    }
  }
  for (const oid of gone) {
    const dependent = current.dependents(oid).find((relation) => !gone.has(relation.oid));
    if (dependent !== undefined && !isReplaced(changes, oid)) {
      throw new SqlError('2BP01', `cannot drop an object because "${dependent.name}" depends on it`, {
        hint: 'Use DROP ... CASCADE to drop the dependent objects too.',
      });
    }
  }
}

const isReplaced = (changes: readonly CatalogChange[], oid: Oid): boolean =>
  changes.some((change) => change.kind === 'create' && change.replaces === oid);

function requireObject(current: CatalogView, oid: Oid, made: ReadonlySet<Oid>): void {
  if (made.has(oid) || current.object(oid) !== undefined) return;
  throw concurrentChange();
}

const concurrentChange = (): SqlError =>
  new SqlError('40001', 'could not serialize access due to a concurrent change of the catalog', {
    hint: 'The transaction might succeed if retried.',
  });

function requireFreeName(
  current: CatalogView,
  object: CatalogObject,
  changes: readonly CatalogChange[],
  gone: ReadonlySet<Oid>,
  made: ReadonlySet<Oid>,
): void {
  const [other, code, label] = sameName(current, object, changes);
  if (other === undefined || gone.has(other.oid) || made.has(other.oid)) return;
  if (other.kind === 'index' && gone.has(other.relation)) return;
  throw new SqlError(code, `${label} "${object.name}" already exists`);
}

function sameName(
  current: CatalogView,
  object: CatalogObject,
  changes: readonly CatalogChange[],
): readonly [CatalogObject | undefined, code: '42P06' | '42P07' | '42710', label: string] {
  switch (object.kind) {
    case 'database':
      return [undefined, '42710', 'database'];
    case 'schema':
      return [current.schema(object.name), '42P06', 'schema'];
    case 'role':
      return [current.role(object.name), '42710', 'role'];
    case 'token':
      return [undefined, '42710', 'token'];
    case 'secret':
      return [current.secret(object.schema, object.name), '42710', 'secret'];
    case 'index': {
      const relation = current.relationByOid(object.relation) ?? createdBy(changes, object.relation);
      return [relation && namesake(current, relation.schema, object.name), '42P07', 'relation'];
    }
    default:
      return [namesake(current, object.schema, object.name), '42P07', 'relation'];
  }
}

const namesake = (current: CatalogView, schema: string, name: string): CatalogObject | undefined =>
  current.relation(schema, name) ?? current.index(schema, name);

function createdBy(changes: readonly CatalogChange[], oid: Oid): RelationDefinition | undefined {
  for (const change of changes)
    if (change.kind === 'create' && change.object.oid === oid && isRelation(change.object))
      return change.object;
  return undefined;
}
