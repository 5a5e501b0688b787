/** COMMIT: all of a block in one tick. */
import { SqlError } from '../../common/sql-error.ts';
import type { WriteOperation } from '../../runtime/engine-client.ts';
import type { CatalogChange, CatalogObject, Oid } from '../../runtime/plan/relation.ts';
import type { CatalogView } from '../catalog.ts';
import type { Session } from './session.ts';
import type { Transaction } from './transaction.ts';

/** Gives the tick of the writes or changes, null where there were none. */
export async function commitTransaction(session: Session, transaction: Transaction): Promise<number | null> {
  if (transaction.isEmpty) return null;
  if (transaction.changes.length === 0) return commitWrites(session, transaction);
  return session.context.catalog.exclusively(() => commitChanges(session, transaction));
}

/** The check and the start of the write happen in one turn of the event loop: nothing can come between them. */
function commitWrites(session: Session, transaction: Transaction): Promise<number> {
  const { ledger, engine } = session.context;
  refuseConflicts(session, transaction);
  const relations = transaction.operations.map((operation) => operation.relation);
  return ledger.record(relations, async () => {
    const result = await engine.write(transaction.operations, { now: transaction.now });
    return result.tick;
  });
}

function refuseConflicts(session: Session, transaction: Transaction): void {
  for (const operation of transaction.operations) {
    if (!readsItsTable(operation)) continue;
    if (session.context.ledger.writtenSince(operation.relation, transaction.writeMark)) {
      throw new SqlError('40001', 'could not serialize access due to concurrent update', {
        hint: 'The transaction might succeed if retried.',
      });
    }
  }
}

/** What an UPDATE or DELETE does depends on the rows that are there. */
const readsItsTable = (operation: WriteOperation): boolean =>
  operation.kind === 'update' || operation.kind === 'delete';

/** Changes and writes of one block. */
function commitChanges(session: Session, transaction: Transaction): Promise<number> {
  const { catalog, ledger } = session.context;
  const { changes, operations, now } = transaction;
  verifyChanges(catalog.current, changes);
  if (operations.length === 0) return catalog.define(changes);
  refuseConflicts(session, transaction);
  const relations = operations.map((operation) => operation.relation);
  return ledger.record(relations, () => catalog.define(changes, { operations, now }));
}

/** Whether changes that were planned against an older catalog still hold: other sessions may have changed it since. */
export function verifyChanges(current: CatalogView, changes: readonly CatalogChange[]): void {
  const gone = new Set<Oid>();
  const made = new Set<Oid>();
  for (const change of changes) {
    switch (change.kind) {
      case 'create':
        if (change.replaces !== null) {
          requireObject(current, change.replaces, made);
          gone.add(change.replaces);
        }
        requireFreeName(current, change.object, gone, made);
        made.add(change.object.oid);
        break;
      case 'alter':
        requireObject(current, change.object.oid, made);
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
  throw new SqlError('40001', 'could not serialize access due to a concurrent change of the catalog', {
    hint: 'The transaction might succeed if retried.',
  });
}

function requireFreeName(
  current: CatalogView,
  object: CatalogObject,
  gone: ReadonlySet<Oid>,
  made: ReadonlySet<Oid>,
): void {
  const other =
    object.kind === 'schema' ? current.schema(object.name) : current.relation(object.schema, object.name);
  if (other === undefined || gone.has(other.oid) || made.has(other.oid)) return;
  throw object.kind === 'schema'
    ? new SqlError('42P06', `schema "${object.name}" already exists`)
    : new SqlError('42P07', `relation "${object.name}" already exists`);
}
