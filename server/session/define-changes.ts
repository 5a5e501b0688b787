import { lostSinks } from '../../planner/planner.ts';
import { BOOTSTRAP_ROLE_NAME } from '../../runtime/plan/authorization.ts';
import type { CatalogChange } from '../../runtime/plan/relation.ts';
import type { CatalogView } from '../catalog.ts';
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
  if (!before.hasPasswords) warnOfLockOut(session, catalog.current);
  audit.changed(session, changes, before, catalog.current);
  return tick;
}

/** The first password ends trust: it had better be a superuser's. */
function warnOfLockOut(session: Session, catalog: CatalogView): void {
  if (!catalog.hasPasswords) return;
  for (const object of catalog.objects()) {
    if (object.kind === 'role' && object.superuser && object.login && object.verifier !== null) return;
  }
  session.notify({
    ...warning('01000', 'from now on everybody needs a password, and no superuser has one'),
    hint: `Give one to the first of them in this session: ALTER ROLE ${BOOTSTRAP_ROLE_NAME} PASSWORD '…'. Or start the server with MILLRACE_PASSWORD.`,
  });
}
