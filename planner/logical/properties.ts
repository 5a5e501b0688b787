/**
 * What is known of a node's rows: which columns are time attributes, whether rows are ever taken back, whether each
 * row belongs to a window that closes, what identifies a row. The operators are chosen by it.
 */

import { conjunctsOf, type Expression, timeSource } from '../../runtime/plan/expression.ts';
import type { MaterializedViewDefinition } from '../../runtime/plan/relation.ts';
import type { LogicalNode } from './logical-plan.ts';

export type TimeRole = 'time' | 'window-start' | 'window-end';

export type Properties = Readonly<{
  /** Ordinals of time attributes: their watermark is known. */
  times: ReadonlyMap<number, TimeRole>;
  appendOnly: boolean;
  /** Every row belongs to a window over a time attribute of append-only input. */
  closes: boolean;
  /** Ordinals that identify a row, one list for each way; [] = at most one row. */
  keys: readonly (readonly number[])[];
}>;

/** 'close': windowed results are sent once; 'changes': they are corrected. */
export type ReduceMode = 'close' | 'changes';

export function propertiesOf(node: LogicalNode, mode: ReduceMode): Properties {
  switch (node.kind) {
    case 'scan':
      return scanProperties(node);
    case 'system-scan':
      return { times: new Map(), appendOnly: false, closes: false, keys: [] };
    case 'values':
      return { times: new Map(), appendOnly: true, closes: false, keys: node.rows.length <= 1 ? [[]] : [] };
    case 'filter':
      return propertiesOf(node.input, mode);
    case 'project':
      return projectProperties(propertiesOf(node.input, mode), node.expressions);
    case 'window': {
      const input = propertiesOf(node.input, mode);
      const end = node.input.schema.length + 1;
      return { ...input, closes: false, keys: input.keys.map((k) => [...k, end]) };
    }
    case 'windowed-reduce':
      return windowedProperties(node, propertiesOf(node.input, mode), mode);
    case 'reduce':
      return { times: new Map(), appendOnly: false, closes: false, keys: [node.keys.map((_, i) => i)] };
    case 'top-n':
      return topProperties(node, propertiesOf(node.input, mode));
    case 'union-all':
      return unionProperties(node.inputs.map((i) => propertiesOf(i, mode)));
    case 'table-join':
      return joinProperties(node, propertiesOf(node.input, mode), propertiesOf(node.table, mode));
  }
}

function scanProperties(node: Extract<LogicalNode, { kind: 'scan' }>): Properties {
  const { relation } = node;
  switch (relation.kind) {
    case 'stream': {
      // A stream's scan has arrived_at behind its columns.
      const time = relation.watermark?.column ?? relation.columns.length;
      return { times: new Map([[time, 'time']]), appendOnly: true, closes: false, keys: [] };
    }
    case 'table': {
      const keys = relation.primaryKey.length > 0 ? [relation.primaryKey] : [];
      return { times: new Map(), appendOnly: false, closes: false, keys };
    }
    case 'materialized-view':
      return viewProperties(relation);
  }
}

/** A view's rows are its plan's output columns. */
function viewProperties(view: MaterializedViewDefinition): Properties {
  const { plan } = view;
  const times = new Map<number, TimeRole>();
  plan.output.forEach((ordinal, i) => {
    if (!plan.root.timeColumns.includes(ordinal)) return;
    const name = plan.root.schema[ordinal]?.name;
    times.set(i, name === 'window_end' ? 'window-end' : name === 'window_start' ? 'window-start' : 'time');
  });
  const closes = plan.emit.kind === 'close';
  return { times, appendOnly: plan.root.appendOnly, closes, keys: plan.key === null ? [] : [plan.key] };
}

function projectProperties(input: Properties, expressions: readonly Expression[]): Properties {
  const times = new Map<number, TimeRole>();
  const placeOf = new Map<number, number>();
  expressions.forEach((e, i) => {
    const role = input.times.get(timeSource(e) ?? -1);
    if (role !== undefined) times.set(i, role);
    if (e.kind !== 'column') return;
    if (!placeOf.has(e.index)) placeOf.set(e.index, i);
  });
  const keys = input.keys
    .filter((key) => key.every((k) => placeOf.has(k)))
    .map((key) => key.map((k) => placeOf.get(k) ?? -1));
  return { ...input, times, keys };
}

function windowedProperties(
  node: Extract<LogicalNode, { kind: 'windowed-reduce' }>,
  input: Properties,
  mode: ReduceMode,
): Properties {
  const start = node.keys.length;
  const keys = node.keys.map((_, i) => i);
  const identity = [[...keys, start + 1]];
  const oneToOne = node.window.kind === 'tumble' || node.window.kind === 'hop';
  if (oneToOne) identity.push([...keys, start]);
  if (!input.times.has(node.time))
    return { times: new Map(), appendOnly: false, closes: false, keys: identity };
  const times = new Map<number, TimeRole>([[start + 1, 'window-end']]);
  if (node.window.kind !== 'session') times.set(start, 'window-start');
  const closes = input.appendOnly;
  return { times, appendOnly: closes && mode === 'close', closes, keys: identity };
}

function topProperties(node: Extract<LogicalNode, { kind: 'top-n' }>, input: Properties): Properties {
  const perWindow = node.perWindow !== null && input.closes;
  const single = node.limit === 1;
  const keys = [...input.keys];
  if (single) keys.push([...node.partition]);
  else if (node.rank) keys.push([...node.partition, node.schema.length - 1]);
  return { times: input.times, appendOnly: input.appendOnly && perWindow, closes: perWindow, keys };
}

function unionProperties(inputs: readonly Properties[]): Properties {
  const [first, ...others] = inputs;
  if (first === undefined) return { times: new Map(), appendOnly: true, closes: false, keys: [] };
  // a window's bound beside a plain time is a time, and its watermark the lesser
  const times = new Map(
    [...first.times].flatMap(([i, role]) => {
      const roles = others.map((other) => other.times.get(i));
      if (roles.includes(undefined)) return [];
      return [[i, roles.every((r) => r === role) ? role : ('time' as const)]];
    }),
  );
  const closes = inputs.every((i) => i.closes) && [...times.values()].includes('window-end');
  return { times, appendOnly: inputs.every((i) => i.appendOnly), closes, keys: [] };
}

/** The table's columns never carry a watermark. A row keeps its key where it can match one table row at most. */
function joinProperties(
  node: Extract<LogicalNode, { kind: 'table-join' }>,
  input: Properties,
  table: Properties,
): Properties {
  const width = node.input.schema.length;
  const equal = equalColumns(node.condition, width);
  const unique = table.keys.some((key) => key.every((k) => equal.has(k + width)));
  return { ...input, keys: unique ? input.keys : [] };
}

/** Columns of the right side that the condition sets equal to something of the left. */
function equalColumns(condition: Expression, width: number): ReadonlySet<number> {
  const found = new Set<number>();
  for (const part of conjunctsOf(condition)) {
    if (part.kind !== 'call' || !part.function.startsWith('=(')) continue;
    const [a, b] = part.args;
    if (a?.kind === 'column' && a.index >= width && b?.kind === 'column' && b.index < width)
      found.add(a.index);
    if (b?.kind === 'column' && b.index >= width && a?.kind === 'column' && a.index < width)
      found.add(b.index);
  }
  return found;
}
