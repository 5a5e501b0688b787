/** A call of the table of functions over constants: as SQL for the oracle, and as our answer. */
import { SqlError } from '../../common/sql-error.ts';
import type { SqlType, TypeName } from '../../common/types.ts';
import { formatType } from '../../common/types.ts';
import { formatDatum } from '../../common/value-text.ts';
import { compileExpressions } from '../../runtime/expression/compile.ts';
import { readDatum } from '../../runtime/batch/datum.ts';
import type { Expression } from '../../runtime/plan/expression.ts';
import { functionByKey } from '../../runtime/plan/functions.ts';
import type { FunctionSignature } from '../../runtime/plan/signature.ts';

export type ExpressionCase = Readonly<{ key: string; args: readonly (string | null)[] }>;

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** `character` alone would mean character(1). */
const typeSql = (name: TypeName): string => formatType({ name }).replace(/^character(?=$|\[)/, 'bpchar');

const literal = (text: string | null, type: TypeName): string =>
  `${text === null ? 'null' : quote(text)}::${typeSql(type)}`;

function argumentType(signature: FunctionSignature, position: number): TypeName {
  return signature.args[Math.min(position, signature.args.length - 1)]!;
}

/** PostgreSQL's spelling of the call. */
export function sqlOf(testCase: ExpressionCase): string {
  const signature = functionByKey(testCase.key)!;
  const args = testCase.args.map((text, i) => literal(text, argumentType(signature, i)));
  switch (signature.kind) {
    case 'operator':
      return `${args[0]} ${signature.name} ${args[1]}`;
    case 'prefix-operator':
      return `${signature.name} ${args[0]}`;
    case 'cast':
      return `${args[0]}::${typeSql(signature.result)}`;
    case 'function': {
      if (signature.name === '[]') return `(${args[0]})[${args[1]}]`;
      if (signature.name === 'array') return `array[${args.join(', ')}]`;
      if (['numeric', 'varchar', 'bpchar'].includes(signature.name)) {
        const modifier =
          signature.name === 'numeric' ? `${testCase.args[1]},${testCase.args[2]}` : testCase.args[1];
        return `${args[0]}::${signature.name}(${modifier})`;
      }
      const quoted = ['position', 'substring', 'extract', 'timezone'].includes(signature.name);
      return `${quoted ? `pg_catalog."${signature.name}"` : signature.name}(${args.join(', ')})`;
    }
  }
}

export function expressionOf(testCase: ExpressionCase): Expression {
  const signature = functionByKey(testCase.key)!;
  const args = testCase.args.map((text, i): Expression => {
    const type: SqlType = { name: argumentType(signature, i) };
    return { kind: 'constant', text, type };
  });
  return { kind: 'call', function: testCase.key, args, type: { name: signature.result } };
}

export type Answer = Readonly<{ text: string | null; code: string | null; message: string | null }>;

/** What the compiled expression gives for one row. */
export function answerOf(expression: Expression, timeZone = 'UTC'): Answer {
  try {
    const program = compileExpressions([expression], { now: () => 0, timeZone });
    const [column] = program.evaluate({ rows: 1, columns: [], weights: null });
    const datum = readDatum(column!, 0, expression.type);
    if (datum === null) return { text: null, code: null, message: null };
    // The oracle's cast to text prints a boolean as a word and cuts the blanks of character(n).
    if (expression.type.name === 'bool') return { text: String(datum), code: null, message: null };
    const text = formatDatum(datum, expression.type, { timeZone });
    return {
      text: expression.type.name === 'bpchar' ? text.replace(/ +$/, '') : text,
      code: null,
      message: null,
    };
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return { text: null, code: error.code, message: error.message };
  }
}
