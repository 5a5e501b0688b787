import { SqlError } from '../../common/sql-error.ts';
import { typeOid } from '../../common/types.ts';
import { catalogQueryIn, type Statement } from '../../planner/statement.ts';
import { describeCatalog } from './catalog-statement.ts';
import type { Outcome } from './outcome.ts';
import type { Session } from './session.ts';

type PrepareStatement = Extract<Statement, { kind: 'prepare' }>;
type ExecuteStatement = Extract<Statement, { kind: 'execute' }>;

export async function executePrepare(session: Session, statement: PrepareStatement): Promise<Outcome> {
  const { name, statement: parsed, parameterTypes } = statement;
  if (session.prepared.has(name)) {
    throw new SqlError('42P05', `prepared statement "${name}" already exists`);
  }
  const planned = session.plan(parsed, { types: parameterTypes });
  const asked = catalogQueryIn(planned.statement);
  const oids = parameterTypes.map((type) => (type === null ? 0 : typeOid(type)));
  const described = asked === null ? null : await describeCatalog(session, asked, parsed, oids);
  session.prepared.set(name, {
    parsed,
    declaredTypes: parameterTypes,
    parameterTypes: planned.parameterTypes,
    planned,
    described,
  });
  return { kind: 'command', tag: 'PREPARE', tick: null };
}

export async function executeExecute(session: Session, statement: ExecuteStatement): Promise<Outcome> {
  const prepared = session.prepared.get(statement.name);
  if (prepared === undefined) throw noStatement(statement.name);
  const { described } = prepared;
  const wanted = described?.parameterOids.length ?? prepared.parameterTypes.length;
  if (statement.arguments.length !== wanted) {
    throw new SqlError('42601', `wrong number of parameters for prepared statement "${statement.name}"`, {
      detail: `Expected ${wanted} parameters but got ${statement.arguments.length}.`,
    });
  }
  if (prepared.parsed === null) return { kind: 'empty' };
  return session.execute(prepared.parsed, {
    types: described === null ? prepared.parameterTypes.map((type) => type.name) : prepared.declaredTypes,
    ...(wanted === 0 ? {} : { values: statement.arguments }),
  });
}

export function executeDeallocate(session: Session, name: string | null): Outcome {
  if (name === null) {
    session.prepared.clear();
    return { kind: 'command', tag: 'DEALLOCATE ALL', tick: null };
  }
  if (!session.prepared.delete(name)) throw noStatement(name);
  return { kind: 'command', tag: 'DEALLOCATE', tick: null };
}

export const noStatement = (name: string): SqlError =>
  name === ''
    ? new SqlError('26000', 'unnamed prepared statement does not exist')
    : new SqlError('26000', `prepared statement "${name}" does not exist`);
