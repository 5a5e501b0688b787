/** Which column of which relation a result column shows unchanged: drivers tell clients its table, and editors write it back. */
import type { Origin } from '../../common/types.ts';
import type { Expression } from '../../runtime/plan/expression.ts';
import { type LogicalNode, type LogicalQuery, inputsOf } from './logical-plan.ts';

export const columnOrigins = ({ node, output }: LogicalQuery): readonly (Origin | null)[] =>
  output.map((ordinal) => originOf(node, ordinal));

function originOf(node: LogicalNode, ordinal: number): Origin | null {
  // what a view is made of is its own affair
  if (node.ofView !== undefined) return { table: node.ofView, attribute: ordinal + 1 };
  switch (node.kind) {
    case 'scan': {
      const { oid, columns } = node.relation;
      return ordinal < columns.length ? { table: oid, attribute: ordinal + 1 } : null;
    }
    case 'project':
      return throughExpression(node.input, node.expressions[ordinal]);
    case 'reduce':
    case 'windowed-reduce':
      return throughExpression(node.input, node.keys[ordinal]);
    case 'union-all':
      return null;
    default: {
      // their inputs' columns, one input after the other, then their own
      let first = 0;
      for (const input of inputsOf(node)) {
        if (ordinal - first < input.schema.length) return originOf(input, ordinal - first);
        first += input.schema.length;
      }
      return null;
    }
  }
}

function throughExpression(input: LogicalNode, expression: Expression | undefined): Origin | null {
  return expression?.kind === 'column' ? originOf(input, expression.index) : null;
}
