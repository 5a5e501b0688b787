/** What a logical node becomes, and what lowering one asks of the others. */
import type { Field } from '../../common/types.ts';
import { type Expression, timeSource } from '../../runtime/plan/expression.ts';
import type { LatePolicy, PlanNode } from '../../runtime/plan/query-plan.ts';
import type { LogicalNode } from '../logical/logical-plan.ts';
import type { ReduceMode } from '../logical/properties.ts';

export type LoweringOptions = Readonly<{ mode: ReduceMode; late: LatePolicy; partial: boolean }>;

export type Lowered = Readonly<{
  node: PlanNode;
  /** Logical ordinal → physical ordinal, of the columns that were needed. */
  at: ReadonlyMap<number, number>;
  /** Physical ordinal of the number of arrival, where it was asked for and there is one. */
  arrival: number | null;
}>;

/** An input with expressions among its columns; `places` says where. */
export type LoweredColumns = Readonly<{
  node: PlanNode;
  places: readonly number[];
  arrival: number | null;
}>;

type WithoutIdentity<N> = N extends PlanNode ? Omit<N, 'id'> : never;
type WithoutBase<N> = N extends PlanNode ? Omit<N, 'id' | 'timeColumns' | 'appendOnly'> : never;
export type NodeBody = WithoutBase<PlanNode>;

export interface Lowering {
  readonly options: LoweringOptions;
  lower(node: LogicalNode, needed: ReadonlySet<number>, arrival: boolean): Lowered;
  /** Identity, and the properties of the logical node; `at` says where its columns are. */
  finish(
    logical: LogicalNode,
    body: NodeBody,
    at: ReadonlyMap<number, number>,
    arrival: number | null,
  ): Lowered;
  /** Identity alone, for a node that no logical one stands for. */
  identify(node: WithoutIdentity<PlanNode>): PlanNode;
}

/** A project over physical ordinals; columns that pass keep their names. */
export function projectOver(
  input: Lowered,
  expressions: readonly Expression[],
  names: readonly string[],
  arrival: number | null,
) {
  const all = [...expressions];
  if (arrival !== null) all.push({ kind: 'column', index: arrival, type: { name: 'int8' } });
  const schema: Field[] = all.map((e, i) => ({
    name: e.kind === 'column' ? (input.node.schema[e.index]?.name ?? '') : (names[i] ?? ''),
    type: e.type,
  }));
  const body = { kind: 'project', input: input.node, expressions: all, schema } as const;
  return { body, arrival: arrival === null ? null : all.length - 1 };
}

/** Where time columns of the input are among the expressions. */
export function timesAmong(expressions: readonly Expression[], input: PlanNode): readonly number[] {
  return expressions.flatMap((e, i) => (input.timeColumns.includes(timeSource(e) ?? -1) ? [i] : []));
}
