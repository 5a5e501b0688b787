import type { Schema } from '../../common/types.ts';
import type { Planned } from '../../planner/statement.ts';
import { explainColumns } from './explain-statement.ts';
import type { Session } from './session.ts';
import { showColumns } from './setting-statement.ts';

/** The columns that a planned statement will give; null = no rows. Some are known only to the session. */
export function statementColumns(session: Session, planned: Planned): Schema | null {
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
      return prepared?.planned ? statementColumns(session, prepared.planned) : null;
    }
    case 'fetch':
      return statement.move ? null : (session.portals.get(statement.name)?.columns ?? null);
    default:
      return planned.columns;
  }
}
