/** Which planner carries a statement: by its syntax, then by PostgreSQL's kind of statement. */
import type { Node } from 'libpg-query';
import { unreachable } from '../common/assert.ts';
import { planCreateStream } from './define/create-stream.ts';
import { planCreateTable } from './define/create-table.ts';
import { planCreateMaterializedView, planCreateView } from './define/create-view.ts';
import { syntaxOf } from './parse/parse.ts';
import { NO_CLAUSES, type StatementSyntax } from './parse/statement-syntax.ts';
import { planSelect } from './plan-select.ts';
import { planned, type StatementContext, statementContext } from './statement-context.ts';
import type { ParsedStatement, PlanContext, Planned } from './statement.ts';
import { planInsert } from './write/insert.ts';

type PostgresSyntax = Extract<StatementSyntax, { kind: 'postgres' }>;

export function planParsed(parsed: ParsedStatement, plan: PlanContext): Planned {
  const syntax = syntaxOf(parsed);
  const clauses = syntax.kind === 'postgres' ? syntax.clauses : NO_CLAUSES;
  const context = statementContext(parsed, plan, syntax.source, clauses);
  switch (syntax.kind) {
    case 'empty':
      return planned(context, { kind: 'empty' });
    case 'postgres':
      return planPostgres(context, syntax);
    case 'create-stream':
      return planCreateStream(context, syntax);
    default:
      throw context.binding.error(-1, '0A000', `${syntax.kind} is not supported`);
  }
}

function planPostgres(context: StatementContext, syntax: PostgresSyntax): Planned {
  const node: Node = syntax.node;
  if ('SelectStmt' in node) return planSelect(context, node, syntax.clauses);
  if ('InsertStmt' in node) return planInsert(context, node.InsertStmt, syntax.clauses);
  if ('CreateStmt' in node) return planCreateTable(context, node.CreateStmt);
  if ('ViewStmt' in node) return planCreateView(context, syntax, node.ViewStmt);
  if ('CreateTableAsStmt' in node) return planCreateMaterializedView(context, syntax, node.CreateTableAsStmt);
  throw context.binding.error(-1, '0A000', `${Object.keys(node)[0]} is not supported`);
}

export { unreachable };
