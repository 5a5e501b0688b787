import type { ParsedStatement, Statement } from '../../planner/statement.ts';
import type { CatalogChange } from '../../runtime/plan/relation.ts';
import type { Outcome } from './outcome.ts';
import type { Arguments, Session } from './session.ts';

type Definition = Extract<Statement, { kind: 'create' | 'drop' | 'alter' }>;

/**
 * CREATE, DROP, ALTER …: at once outside a block, with COMMIT inside. `executeOther`: what the text means may have
 * changed to something that is no definition (IF NOT EXISTS, where it now exists).
 */
export async function executeDefinition(
  session: Session,
  statement: Definition,
  parsed: ParsedStatement,
  given: Arguments,
  executeOther: (statement: Statement) => Promise<Outcome>,
): Promise<Outcome> {
  const { transaction, context } = session;
  session.refuseReadOnly(statement.tag);
  if (transaction !== null && session.buffers) {
    announce(session, statement);
    transaction.changes.push(...changesOf(statement));
    return { kind: 'command', tag: statement.tag, tick: null };
  }
  const planned = context.catalog.current.version;
  return context.catalog.exclusively(async () => {
    // A change that was committed since planning may alter what this statement means.
    if (context.catalog.current.version !== planned) {
      const again = session.plan(parsed, given);
      if (!isDefinition(again.statement)) return executeOther(again.statement);
      statement = again.statement;
    }
    const tick = await context.catalog.define(changesOf(statement));
    announce(session, statement);
    return { kind: 'command', tag: statement.tag, tick };
  });
}

function isDefinition(statement: Statement): statement is Definition {
  return statement.kind === 'create' || statement.kind === 'drop' || statement.kind === 'alter';
}

function announce(session: Session, statement: Definition): void {
  if (statement.kind !== 'drop') return;
  for (const message of statement.notices) session.notify({ severity: 'NOTICE', code: '00000', message });
}

function changesOf(statement: Definition): readonly CatalogChange[] {
  switch (statement.kind) {
    case 'create':
      return [{ kind: 'create', object: statement.object, replaces: statement.replaces }];
    case 'drop':
      return statement.oids.length === 0 ? [] : [{ kind: 'drop', oids: statement.oids }];
    case 'alter':
      return statement.objects.map((object) => ({ kind: 'alter', object }));
  }
}
