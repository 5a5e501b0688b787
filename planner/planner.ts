/** The planner's door: query text in, plain data out. Everything the user did wrong is a SqlError with its position. */
import { SqlError } from '../common/sql-error.ts';
import { loadGrammar } from './parse/grammar.ts';
import { parseStatements } from './parse/parse.ts';
import { shiftPosition } from './parse/shift-position.ts';
import { planParsed } from './plan-statement.ts';
import type { ParsedStatement, PlanContext, Planned } from './statement.ts';

export { TOKEN_COLUMNS } from './authorize/tokens.ts';
export { lostSinks } from './authorize/lost-sinks.ts';
export { firstRefusal, requireAccess, requireConnect } from './authorize/requirements.ts';
export { mayHoldSecret, shownStatement } from './parse/clear-text.ts';
export { hasPrivilegesOf, isPlainMemberOf } from './authorize/membership.ts';
export { requireSignal } from './bind/signal-function.ts';
export { requireSettingsReader } from './authorize/settings.ts';
export { ParameterUse } from './bind/parameter-use.ts';
export { versionText } from './bind/session-functions.ts';
export { expressionText } from './explain/expression-text.ts';
export { parseStatements } from './parse/parse.ts';
export { PlanTemplate } from './plan-template.ts';

/** Once, before anything is parsed. */
export async function loadPlanner(): Promise<void> {
  await loadGrammar();
}

/** Positions of errors count in the statement's own text. */
export function planStatement(parsed: ParsedStatement, context: PlanContext): Planned {
  try {
    return planParsed(parsed, context);
  } catch (error) {
    // The tree is walked by recursion; what the grammar took may still be too deep for it.
    if (error instanceof RangeError) {
      throw new SqlError('54001', 'stack depth limit exceeded', {
        hint: 'Write the statement with less nesting.',
      });
    }
    throw error;
  }
}

/** Parses and plans each statement of the text in turn, against the same catalog. Positions count in the whole text. */
export function planText(sql: string, context: PlanContext): readonly Planned[] {
  return parseStatements(sql).map((statement) => {
    try {
      return planStatement(statement, context);
    } catch (error) {
      throw error instanceof SqlError ? shiftPosition(error, statement.offset) : error;
    }
  });
}
