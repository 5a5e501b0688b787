import { unreachable } from '../../common/assert.ts';
import type { ParsedStatement, Statement } from '../../planner/statement.ts';
import { runCatalog } from './catalog-statement.ts';
import { executeCopyFrom, executeCopyTo } from './copy-statement.ts';
import { executeClose, executeDeclare, executeFetch } from './cursor-statement.ts';
import { executeDefinition } from './define-statement.ts';
import { executeExplain } from './explain-statement.ts';
import { executeListen, executeNotify, executeUnlisten } from './notify-statement.ts';
import type { Outcome } from './outcome.ts';
import { executeDeallocate, executeExecute, executePrepare } from './prepare-statement.ts';
import { runQuery, runSubscribe } from './query-statement.ts';
import type { Arguments } from './arguments.ts';
import type { Session } from './session.ts';
import {
  executeAlterSystem,
  executeDiscard,
  executeSet,
  executeSetModes,
  executeSetRole,
  executeShow,
} from './setting-statement.ts';
import { textRows } from './text-rows.ts';
import { executeTransaction } from './transaction-statement.ts';
import { executeContinuousInsert, executeWrite } from './write-statement.ts';

/** Carries out a planned statement; a file of its own for each family. */
export async function executeStatement(
  session: Session,
  statement: Statement,
  parsed: ParsedStatement,
  given: Arguments,
): Promise<Outcome> {
  switch (statement.kind) {
    case 'empty':
      return { kind: 'empty' };
    case 'query':
      return runQuery(session, statement, parsed.text);
    case 'catalog':
      return runCatalog(session, statement, parsed, given);
    case 'subscribe':
      return runSubscribe(session, statement, parsed.text);
    case 'write':
      return executeWrite(session, statement);
    case 'insert-continuous':
      return executeContinuousInsert(session, statement, parsed.text);
    case 'copy-from':
      return executeCopyFrom(session, statement);
    case 'copy-to':
      return executeCopyTo(session, statement, parsed, given);
    case 'create':
    case 'drop':
    case 'alter':
    case 'change':
      return executeDefinition(session, statement, parsed, given, (other) =>
        executeStatement(session, other, parsed, given),
      );
    case 'nothing':
      if (statement.notice !== null) {
        session.notify({ severity: 'NOTICE', code: statement.noticeCode, message: statement.notice });
      }
      return { kind: 'command', tag: statement.tag, tick: null };
    case 'explain':
      return executeExplain(session, statement, parsed.text);
    case 'show':
      return executeShow(session, statement.name);
    case 'rows':
      return textRows(statement.columns, statement.rows, statement.tag);
    case 'show-engine': {
      const [listing] = session.parse(`SELECT * FROM millrace.${statement.what}`);
      const outcome = await session.execute(listing!, { types: [] });
      return outcome.kind === 'rows' ? { ...outcome, tag: 'SHOW', counted: false } : outcome;
    }
    case 'set':
      return executeSet(session, statement);
    case 'set-modes':
      return executeSetModes(session, statement);
    case 'set-role':
      return executeSetRole(session, statement);
    case 'alter-system':
      return executeAlterSystem(session, statement);
    case 'discard':
      return executeDiscard(session, statement.what);
    case 'transaction':
      return executeTransaction(session, statement);
    case 'prepare':
      return executePrepare(session, statement);
    case 'execute':
      return executeExecute(session, statement);
    case 'deallocate':
      return executeDeallocate(session, statement.name);
    case 'declare':
      return executeDeclare(session, statement, parsed, given);
    case 'fetch':
      return executeFetch(session, statement);
    case 'listen':
      return executeListen(session, statement);
    case 'unlisten':
      return executeUnlisten(session, statement.channel);
    case 'notify':
      return executeNotify(session, statement.channel, statement.payload);
    case 'close':
      return executeClose(session, statement.name);
    default:
      return unreachable(statement);
  }
}
