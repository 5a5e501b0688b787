import type { Schema } from '../../common/types.ts';
import type { Planned } from '../../planner/statement.ts';
import { explainColumns } from './explain-statement.ts';
import type { Prepared } from './prepared.ts';
import type { Session } from './session.ts';
import { showColumns } from './setting-statement.ts';

/** The columns that a prepared statement will give; null = no rows. */
export function preparedColumns(session: Session, { planned, described }: Prepared): Schema | null {
  if (planned === null) return null;
  // a cursor that is declared, a copy: no rows
  if (described !== null) return planned.statement.kind === 'catalog' ? described.columns : null;
  return statementColumns(session, planned);
}

/** The columns that a planned statement will give; null = no rows. Some are known only to the session. */
function statementColumns(session: Session, planned: Planned): Schema | null {
  const { statement } = planned;
  switch (statement.kind) {
    case 'show':
      return showColumns(session, statement.name);
    case 'explain':
      return explainColumns(statement);
    case 'rows':
      return statement.columns;
    case 'show-engine': {
      const [listing] = session.parse(`SELECT * FROM millrace.${statement.what}`);
      return session.plan(listing!, { types: [] }).columns;
    }
    case 'execute': {
      const prepared = session.prepared.get(statement.name);
      return prepared === undefined ? null : preparedColumns(session, prepared);
    }
    case 'fetch':
      return statement.move ? null : (session.portals.get(statement.name)?.columns ?? null);
    default:
      return planned.columns;
  }
}
