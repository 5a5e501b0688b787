/** An expression while it is being bound: its type may still be open. */
import type { SqlType, TypeName } from '../../common/types.ts';
import { type Expression, someExpression } from '../../runtime/plan/expression.ts';

export type Bound = Readonly<{
  expression: Expression;
  /** null = typed; else a string literal, NULL or parameter whose type the context decides. */
  open:
    | Readonly<{ kind: 'literal'; text: string | null }>
    | Readonly<{ kind: 'parameter'; number: number }>
    | null;
  /** Byte location in the statement's tree; −1 = none. */
  location: number;
}>;

export const TEXT: SqlType = { name: 'text' };
export const INT8: SqlType = { name: 'int8' };

export const typed = (expression: Expression, location: number): Bound => ({
  expression,
  open: null,
  location,
});

export const openLiteral = (text: string | null, location: number): Bound => ({
  expression: { kind: 'constant', text, type: TEXT },
  open: { kind: 'literal', text },
  location,
});

/** null where the type is still open (`unknown`). */
export const typeOf = (bound: Bound): TypeName | null =>
  bound.open === null ? bound.expression.type.name : null;

/** Aggregates and window functions stand in expressions as columns far beyond any input's, until they are placed. */
export const AGGREGATE_BASE = 10_000_000;
export const WINDOW_CALL_BASE = 20_000_000;
/** window_start and window_end of the SELECT's own window. */
export const WINDOW_START = 30_000_000;
export const WINDOW_END = 30_000_001;

export const usesWindow = (e: Expression): boolean =>
  someExpression(e, (x) => x.kind === 'column' && (x.index === WINDOW_START || x.index === WINDOW_END));

export const column = (index: number, type: SqlType): Expression => ({ kind: 'column', index, type });

/** Plain data without cycles: equal text, equal expression. */
export const sameExpression = (a: Expression, b: Expression): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

/** A copy in which `replace` has taken the place of what it does not answer null for. */
export function rewriteExpression(e: Expression, replace: (e: Expression) => Expression | null): Expression {
  const replaced = replace(e);
  if (replaced !== null) return replaced;
  const go = (child: Expression): Expression => rewriteExpression(child, replace);
  switch (e.kind) {
    case 'column':
    case 'constant':
    case 'now':
    case 'subquery':
    case 'subquery-rows':
      return e;
    case 'call':
    case 'and':
    case 'or':
    case 'coalesce':
    case 'greatest':
    case 'least':
      return { ...e, args: e.args.map(go) };
    case 'not':
    case 'is-null':
    case 'is-truth':
      return { ...e, arg: go(e.arg) };
    case 'is-distinct':
      return { ...e, left: go(e.left), right: go(e.right) };
    case 'in':
      return { ...e, arg: go(e.arg), list: e.list.map(go) };
    case 'case':
      return {
        ...e,
        // biome-ignore lint/suspicious/noThenProperty: THEN of a CASE.
        branches: e.branches.map((b) => ({ when: go(b.when), then: go(b.then) })),
        otherwise: e.otherwise === null ? null : go(e.otherwise),
      };
  }
}

/** Moves column references. */
export const shiftColumns = (e: Expression, move: (index: number) => number): Expression =>
  rewriteExpression(e, (c) => (c.kind === 'column' ? column(move(c.index), c.type) : null));
