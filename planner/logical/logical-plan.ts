/**
 * What a query means, before columns are pruned and operators chosen. Expressions refer to ordinals of their node's
 * input. A stream's scan has two columns more than the stream: arrived_at and the number of arrival.
 */
import type { Schema } from '../../common/types.ts';
import type { Expression } from '../../runtime/plan/expression.ts';
import type { SortKey, WindowSpecification } from '../../runtime/plan/query-plan.ts';
import type {
  MaterializedViewDefinition,
  Oid,
  StreamDefinition,
  TableDefinition,
} from '../../runtime/plan/relation.ts';
import type { AggregateSignature } from '../../runtime/plan/signature.ts';

export type LogicalAggregate = Readonly<{
  signature: AggregateSignature;
  args: readonly Expression[];
  distinct: boolean;
  filter: Expression | null;
}>;

/** `ofView`: the OID of the view that it stands for. */
type Base = Readonly<{ schema: Schema; ofView?: Oid }>;

export type LogicalNode =
  | (Base &
      Readonly<{ kind: 'scan'; relation: StreamDefinition | TableDefinition | MaterializedViewDefinition }>)
  | (Base & Readonly<{ kind: 'system-scan'; view: string }>)
  | (Base & Readonly<{ kind: 'values'; rows: readonly (readonly Expression[])[] }>)
  | (Base & Readonly<{ kind: 'filter'; input: LogicalNode; predicate: Expression }>)
  | (Base & Readonly<{ kind: 'project'; input: LogicalNode; expressions: readonly Expression[] }>)
  /** Appends window_start, window_end. */
  | (Base & Readonly<{ kind: 'window'; input: LogicalNode; window: WindowSpecification; time: number }>)
  /** Output: keys, window_start, window_end, aggregates. */
  | (Base &
      Readonly<{
        kind: 'windowed-reduce';
        input: LogicalNode;
        window: WindowSpecification;
        time: number;
        keys: readonly Expression[];
        aggregates: readonly LogicalAggregate[];
      }>)
  | (Base &
      Readonly<{
        kind: 'reduce';
        input: LogicalNode;
        keys: readonly Expression[];
        aggregates: readonly LogicalAggregate[];
      }>)
  /** `perWindow`: the ordinal of window_end where each partition is one window's. */
  | (Base &
      Readonly<{
        kind: 'top-n';
        input: LogicalNode;
        partition: readonly number[];
        order: readonly SortKey[];
        limit: number | null;
        offset: number;
        perWindow: number | null;
        rank: boolean;
      }>)
  | (Base & Readonly<{ kind: 'union-all'; inputs: readonly LogicalNode[] }>)
  /** Output: the input's columns, then the table's; the condition is over the output. */
  | (Base &
      Readonly<{
        kind: 'table-join';
        input: LogicalNode;
        table: LogicalNode;
        join: 'inner' | 'left';
        condition: Expression;
      }>);

/** A bound query: a node, and which of its columns are the answer. */
export type LogicalQuery = Readonly<{
  node: LogicalNode;
  /** Ordinals of `node`. */
  output: readonly number[];
  columns: Schema;
  order: readonly SortKey[];
  limit: number | null;
  offset: number;
  /** For messages: byte location of the LIMIT count. */
  limitLocation: number;
}>;

export const filter = (input: LogicalNode, predicate: Expression): LogicalNode => ({
  kind: 'filter',
  input,
  predicate,
  schema: input.schema,
});

export function inputsOf(node: LogicalNode): readonly LogicalNode[] {
  switch (node.kind) {
    case 'scan':
    case 'system-scan':
    case 'values':
      return [];
    case 'union-all':
      return node.inputs;
    case 'table-join':
      return [node.input, node.table];
    default:
      return [node.input];
  }
}

/** Whether it or a node below it passes. */
export const someLogical = (node: LogicalNode, passes: (node: LogicalNode) => boolean): boolean =>
  passes(node) || inputsOf(node).some((input) => someLogical(input, passes));

export function walkLogical(node: LogicalNode, visit: (node: LogicalNode) => void): void {
  visit(node);
  for (const input of inputsOf(node)) walkLogical(input, visit);
}
