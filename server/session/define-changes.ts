import { lostSinks } from '../../planner/planner.ts';
import type { CatalogChange } from '../../runtime/plan/relation.ts';
import { warning } from './notice.ts';
import type { Session } from './session.ts';

/** Changes the catalog, and says in the audit log who did. Gives the tick. `block`: its writes land with the changes. */
export async function defineChanges(
  session: Session,
  changes: readonly CatalogChange[],
  block?: number,
): Promise<number> {
  const { catalog, audit } = session.context;
  const before = catalog.current;
  const ended = lostSinks(catalog.overlay(changes));
  const tick = await catalog.define(
    [...changes, ...ended.map((object) => ({ kind: 'alter', object }) as const)],
    block,
  );
  for (const { name, ended: why } of ended) {
    session.notify(warning('01000', `sink "${name}" writes no more: ${why}`));
  }
  audit.changed(session, changes, before, catalog.current);
  return tick;
}
