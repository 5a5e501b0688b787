import type { CatalogChange } from '../../runtime/plan/relation.ts';
import type { Session } from './session.ts';

/** Changes the catalog, and says in the audit log who did. Gives the tick. `block`: its writes land with the changes. */
export async function defineChanges(
  session: Session,
  changes: readonly CatalogChange[],
  block?: number,
): Promise<number> {
  const { catalog, audit } = session.context;
  const before = catalog.current;
  const tick = await catalog.define(changes, block);
  audit.changed(session, changes, before);
  return tick;
}
