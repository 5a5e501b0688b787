/** Plan goldens: files of statements, each with its plan, or its error, below it. */
import { SqlError } from '../../common/sql-error.ts';
import { formatType } from '../../common/types.ts';
import { explainPlan } from '../../planner/explain/explain-plan.ts';
import type { ExplainLine, Planned, Statement } from '../../planner/statement.ts';
import type { QueryPlan } from '../../runtime/plan/query-plan.ts';
import { checkPlanned } from './check-plan.ts';
import { FIXTURE, MemoryCatalog, run } from './memory-catalog.ts';

/** Statements of a golden file: they begin with `> `, and their further lines with two blanks more. */
export function statementsOf(file: string): readonly string[] {
  return file
    .split(/^> /m)
    .slice(1)
    .map((block) => {
      const lines = block.split('\n');
      const end = lines.findIndex((line, i) => i > 0 && !line.startsWith('>>'));
      return lines
        .slice(0, end < 0 ? lines.length : end)
        .map((line) => line.replace(/^>> /, ''))
        .join('\n');
    });
}

/** The file as it should be. `#` lines before the first statement stay. */
export function goldenOf(file: string): string {
  const head = file.split(/^> /m)[0] ?? '';
  const catalog = new MemoryCatalog();
  run(catalog, FIXTURE);
  const blocks = statementsOf(file).map(
    (sql) => `> ${sql.replaceAll('\n', '\n>> ')}\n${answer(catalog, sql)}\n`,
  );
  return head + blocks.join('\n');
}

function answer(catalog: MemoryCatalog, sql: string): string {
  try {
    return run(catalog, sql)
      .map((planned) => describePlanned(catalog, planned))
      .join('\n');
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    const position = error.position === undefined ? '' : ` at ${error.position}`;
    const parts = [`ERROR ${error.code}${position}: ${error.message}`];
    if (error.detail !== undefined) parts.push(`DETAIL: ${error.detail}`);
    if (error.hint !== undefined) parts.push(`HINT: ${error.hint}`);
    return parts.join('\n');
  }
}

function describePlanned(catalog: MemoryCatalog, planned: Planned): string {
  checkPlanned(planned);
  const { statement, columns, notices } = planned;
  const lines = notices.map((n) => `${n.severity}: ${n.message}`);
  const types = planned.parameterTypes.map((t, i) => `$${i + 1} ${formatType(t)}`);
  if (types.length > 0) lines.push(`parameters: ${types.join(', ')}`);
  if (columns !== null)
    lines.push(`result: ${columns.map((c) => `${c.name} ${formatType(c.type)}`).join(', ')}`);
  const plan = planOf(statement);
  if (statement.kind === 'explain') lines.push(...text(statement.lines));
  else if (plan !== null) lines.push(...text(explainPlan(plan, catalog, false)));
  else lines.push(JSON.stringify(withoutNoise(statement)));
  return lines.join('\n');
}

function planOf(statement: Statement): QueryPlan | null {
  switch (statement.kind) {
    case 'query':
    case 'insert-continuous':
      return statement.plan;
    case 'create':
      return 'plan' in statement.object ? statement.object.plan : null;
    case 'subscribe':
      return statement.target.kind === 'plan' ? statement.target.plan : null;
    default:
      return null;
  }
}

const text = (lines: readonly ExplainLine[]): readonly string[] =>
  lines.map((l) => '  '.repeat(l.depth) + l.text);

/** OIDs follow from what stands above in the file: they say nothing. */
const withoutNoise = (statement: Statement): unknown =>
  JSON.parse(
    JSON.stringify(statement, (key, value) =>
      key === 'oid' || key === 'relation' || key === 'oids' ? undefined : value,
    ),
  );
