/** A plan as lines: the query's mode, then its operators, the root first. */
import { unreachable } from '../../common/assert.ts';
import { formatType, type Schema } from '../../common/types.ts';
import { aggregateByKey } from '../../runtime/plan/aggregates.ts';
import {
  type AggregateCall,
  ARRIVAL,
  ARRIVED_AT,
  type EmitMode,
  type LatePolicy,
  type PlanNode,
  type QueryPlan,
  type SortKey,
  type WindowSpecification,
} from '../../runtime/plan/query-plan.ts';
import { panesOf } from '../bind/window-specification.ts';
import type { Catalog } from '../catalog.ts';
import type { ExplainLine } from '../statement.ts';
import { durationText } from './duration-text.ts';
import { expressionText } from './expression-text.ts';
import { lookupOf } from './lookup.ts';
import { sharersOf } from './sharers.ts';
import { windowState } from './state-estimate.ts';
import { type KeyConstants, keyConstants } from '../../runtime/plan/key-constants.ts';
import { shownName } from '../../runtime/plan/relation.ts';

type WindowedReduce = Extract<PlanNode, { kind: 'windowed-reduce' }>;

export function explainPlan(plan: QueryPlan, catalog: Catalog, verbose: boolean): readonly ExplainLine[] {
  return new Explainer(catalog, verbose).explain(plan);
}

class Explainer {
  readonly #catalog: Catalog;
  readonly #verbose: boolean;
  readonly #lines: ExplainLine[] = [];
  #continuous = false;
  #plan: QueryPlan | null = null;
  #constants: ReadonlyMap<PlanNode, KeyConstants> = new Map();

  constructor(catalog: Catalog, verbose: boolean) {
    this.#catalog = catalog;
    this.#verbose = verbose;
  }

  explain(plan: QueryPlan): readonly ExplainLine[] {
    const tail = tailText(plan);
    this.#plan = plan;
    this.#continuous = plan.emit.kind !== 'finite';
    this.#add(0, `Query: ${emitText(plan.emit)}${tail}`, null, { emit: plan.emit.kind, key: keyNames(plan) });
    const names = plan.columns.map((c) => c.name);
    this.#add(1, `columns: ${names.join(', ') || 'none'}`, null, { columns: names });
    const key = keyNames(plan);
    if (key !== null) this.#add(1, `key: ${key.length === 0 ? 'one row' : key.join(', ')}`, null, {});
    if (plan.emit.kind === 'changes' && hasOverlap(plan.root)) {
      this.#add(
        1,
        'note: EMIT CHANGES over HOP costs per open window: each row changes every window it is in',
        null,
        {},
      );
    }
    this.#constants = keyConstants(plan.root);
    this.#node(plan.root, 1);
    plan.subqueries.forEach((subquery, i) => {
      this.#constants = keyConstants(subquery.root);
      this.#add(0, `Sub-query ${i + 1}`, null, {});
      this.#node(subquery.root, 1);
    });
    return this.#lines;
  }

  #add(
    depth: number,
    text: string,
    operator: number | null,
    properties: Readonly<Record<string, unknown>>,
  ): void {
    this.#lines.push({ depth, text, operator, properties });
  }

  #node(node: PlanNode, depth: number): void {
    const names = node.schema.map((f) => f.name);
    const common = {
      operator: node.kind,
      appendOnly: node.appendOnly,
      watermark: node.timeColumns.map((t) => names[t] ?? ''),
    };
    const head = (text: string, properties: Readonly<Record<string, unknown>> = {}): void => {
      this.#add(depth, `${text}${propertyText(node)}`, node.id, { ...common, ...properties });
      if (this.#verbose) this.#add(depth + 1, `output: ${schemaText(node.schema)}`, null, {});
    };
    switch (node.kind) {
      case 'scan': {
        const relation = this.#relationName(node.relation);
        const columns = node.columns.map((c, i) =>
          c === ARRIVED_AT ? 'arrived_at' : c === ARRIVAL ? 'arrival' : (names[i] ?? ''),
        );
        head(`Scan ${relation} (${columns.join(', ')})`, { relation, columns });
        this.#lookup(node, depth + 1);
        return;
      }
      case 'system-scan':
        head(`Scan millrace.${node.view} (${names.join(', ')})`, {
          relation: `millrace.${node.view}`,
          columns: names,
        });
        return;
      case 'values':
        head(`Values (${node.rows.length} ${node.rows.length === 1 ? 'row' : 'rows'})`, {
          rows: node.rows.length,
        });
        return;
      case 'filter':
        head(`Filter ${expressionText(node.predicate, names)}`);
        break;
      case 'project': {
        const input = node.input.schema.map((f) => f.name);
        head(`Project ${node.expressions.map((e) => expressionText(e, input)).join(', ') || 'nothing'}`);
        break;
      }
      case 'window':
        head(`Window ${windowText(node.window)}: each row once per window`, {
          window: windowProperties(node.window),
        });
        break;
      case 'windowed-reduce':
        this.#windowed(node, depth, head);
        break;
      case 'reduce':
        head(`Reduce by ${keyText(node.keys, node.input.schema)}`);
        this.#aggregates(node.aggregates, node.input.schema, depth, false);
        break;
      case 'top-n':
        head(topText(node));
        break;
      case 'union-all':
        head('Union all');
        for (const input of node.inputs) this.#node(input, depth + 1);
        return;
      case 'table-join': {
        const left = node.input.schema;
        const right = node.table.schema;
        const keys = node.inputKeys.map(
          (k, i) => `${left[k]?.name ?? ''} = ${right[node.tableKeys[i] ?? -1]?.name ?? ''}`,
        );
        const condition = node.condition === null ? '' : ` and ${expressionText(node.condition, names)}`;
        const word = node.join === 'left' ? 'Left join' : 'Join';
        head(`${word} table as of the tick on ${keys.join(', ') || 'no key'}${condition}`, {
          stateOfStreamSide: 'none',
        });
        this.#node(node.input, depth + 1);
        this.#node(node.table, depth + 1);
        return;
      }
      default:
        unreachable(node);
    }
    this.#node(node.input, depth + 1);
  }

  /** What gives its rows, where not all of them are looked at. */
  #lookup(scan: Extract<PlanNode, { kind: 'scan' }>, depth: number): void {
    const constants = this.#constants.get(scan);
    if (this.#continuous || constants === undefined) return;
    const lookup = lookupOf(this.#catalog, scan.relation, constants);
    if (lookup === null) return;
    const { name, conditions } = lookup;
    this.#add(depth, `${name} (${conditions.join(', ')})`, null, { lookup: name, conditions });
  }

  #windowed(
    node: WindowedReduce,
    depth: number,
    head: (text: string, properties?: Readonly<Record<string, unknown>>) => void,
  ): void {
    const properties = windowProperties(node.window);
    head(
      `Windowed reduce ${windowText(node.window)} of ${node.input.schema[node.time]?.name ?? ''} by ${keyText(node.keys, node.input.schema)}`,
      {
        window: properties,
        emit: node.emit,
        late: node.late,
      },
    );
    const detail = Object.entries(properties)
      .filter(([name]) => name !== 'kind')
      .map(
        ([name, value]) =>
          `${DETAIL_NAMES[name] ?? name} ${typeof value === 'string' ? value : String(value)}`,
      );
    this.#add(depth + 1, detail.join(', '), null, {});
    this.#aggregates(node.aggregates, node.input.schema, depth, node.window.kind !== 'session');
    if (this.#continuous) this.#add(depth + 1, `late rows: ${lateText(node.late)}`, null, {});
    if (!node.partial) this.#add(depth + 1, 'partial windows are left out', null, {});
    this.#add(depth + 1, `estimated state: ${windowState(node)}`, null, {});
    if (!this.#continuous) return;
    const { panes, groups } = sharersOf(node, this.#plan, this.#catalog);
    for (const [what, sharers] of [
      ['panes', panes],
      ['group numbers', groups],
    ] as const) {
      const names = sharers.map(shownName);
      if (names.length > 0)
        this.#add(depth + 1, `${what} shared with: ${names.join(', ')}`, null, {
          [what === 'panes' ? 'panesSharedWith' : 'groupsSharedWith']: names,
        });
    }
  }

  #aggregates(calls: readonly AggregateCall[], input: Schema, depth: number, windowed: boolean): void {
    for (const call of calls) {
      const name = call.function.slice(0, call.function.indexOf('('));
      const args = call.args.map((a) => input[a]?.name ?? '').join(', ');
      const shown = `${name}(${call.distinct ? 'DISTINCT ' : ''}${call.function === 'count()' ? '*' : args})`;
      const filter = call.filter === null ? '' : ` FILTER (${input[call.filter]?.name ?? ''})`;
      const reduction = aggregateByKey(call.function)?.reduction ?? 'two-stacks';
      const how = windowed ? `: ${reductionText(name, reduction, call.distinct)}` : '';
      this.#add(depth + 1, `${shown}${filter}${how}`, null, {
        aggregate: shown,
        ...(windowed ? { reduction } : {}),
      });
    }
  }

  #relationName(oid: number): string {
    const definition = this.#catalog.relationByOid(oid);
    if (definition === undefined) return `relation ${oid}`;
    const name = shownName(definition);
    return `${definition.kind.replace('-', ' ')} ${name}`;
  }
}

const DETAIL_NAMES: Readonly<Record<string, string>> = { paneWidth: 'pane width' };

function reductionText(name: string, reduction: 'inverse' | 'two-stacks', distinct: boolean): string {
  if (reduction === 'two-stacks') return `two stacks, because ${name} cannot take values back`;
  const what = distinct ? 'counts of its values' : name;
  return `inverse reduce, because what leaves can be deducted from ${what}`;
}

function emitText(emit: EmitMode): string {
  switch (emit.kind) {
    case 'finite':
      return 'finite, as of the last tick';
    case 'close':
      return 'EMIT ON WINDOW CLOSE';
    case 'changes':
      return 'EMIT CHANGES';
    case 'every':
      return `EMIT EVERY ${durationText(emit.periodMicros)}`;
  }
}

function tailText(plan: QueryPlan): string {
  const parts: string[] = [];
  if (plan.order.length > 0) parts.push(`order by ${orderText(plan.order, plan.root.schema)}`);
  if (plan.limit !== null) parts.push(`limit ${plan.limit}`);
  if (plan.offset > 0) parts.push(`offset ${plan.offset}`);
  return parts.length === 0 ? '' : `, ${parts.join(', ')}`;
}

const keyNames = (plan: QueryPlan): readonly string[] | null =>
  plan.key?.map((k) => plan.columns[k]?.name ?? '') ?? null;

function orderText(order: readonly SortKey[], schema: Schema): string {
  return order
    .map(({ column, descending, nullsFirst }) => {
      const nulls = nullsFirst === descending ? '' : nullsFirst ? ' nulls first' : ' nulls last';
      return `${schema[column]?.name ?? ''}${descending ? ' desc' : ''}${nulls}`;
    })
    .join(', ');
}

const keyText = (keys: readonly number[], schema: Schema): string =>
  keys.length === 0 ? 'nothing' : keys.map((k) => schema[k]?.name ?? '').join(', ');

const schemaText = (schema: Schema): string =>
  schema.map((f) => `${f.name} ${formatType(f.type)}`).join(', ') || 'nothing';

function propertyText(node: PlanNode): string {
  const times = node.timeColumns.map((t) => node.schema[t]?.name ?? '');
  const parts = [
    ...(node.appendOnly ? ['append-only'] : []),
    ...(times.length > 0 ? [`watermark ${times.join(', ')}`] : []),
  ];
  return parts.length === 0 ? '' : ` [${parts.join('; ')}]`;
}

function topText(node: Extract<PlanNode, { kind: 'top-n' }>): string {
  const order = node.order.length === 0 ? '' : ` order by ${orderText(node.order, node.schema)}`;
  const limit = node.limit === null ? 'Sort' : `Top ${node.limit}`;
  const offset = node.offset > 0 ? ` after ${node.offset}` : '';
  const partition = node.partition.length === 0 ? '' : ` of each ${keyText(node.partition, node.schema)}`;
  const window = node.perWindow === null ? '' : ', complete when the window closes';
  return `${limit}${offset}${partition}${order}${window}`;
}

function windowText(window: WindowSpecification): string {
  return { tumble: 'TUMBLE', hop: 'HOP', cumulate: 'CUMULATE', session: 'SESSION' }[window.kind];
}

function windowProperties(window: WindowSpecification): Readonly<Record<string, string | number>> {
  const panes = panesOf(window);
  const shape = panes === null ? {} : { paneWidth: durationText(panes.widthMicros), panes: panes.count };
  switch (window.kind) {
    case 'session':
      return { kind: window.kind, gap: durationText(window.gapMicros) };
    case 'tumble':
      return {
        kind: window.kind,
        size: durationText(window.sizeMicros),
        slide: durationText(window.sizeMicros),
        ...shape,
        ...offsetOf(window.offsetMicros),
      };
    case 'hop':
      return {
        kind: window.kind,
        size: durationText(window.sizeMicros),
        slide: durationText(window.slideMicros),
        ...shape,
        ...offsetOf(window.offsetMicros),
      };
    case 'cumulate':
      return {
        kind: window.kind,
        size: durationText(window.sizeMicros),
        step: durationText(window.stepMicros),
        ...shape,
        ...offsetOf(window.offsetMicros),
      };
  }
}

const offsetOf = (micros: number): Readonly<Record<string, string>> =>
  micros === 0 ? {} : { offset: durationText(micros) };

function lateText(late: LatePolicy): string {
  return late.kind === 'drop'
    ? 'dropped, and kept in millrace.late_rows'
    : `corrected up to ${durationText(late.latenessMicros)}`;
}

/** A sliding window whose windows overlap. */
function hasOverlap(node: PlanNode): boolean {
  if (node.kind === 'windowed-reduce' && node.window.kind === 'hop')
    return node.window.slideMicros < node.window.sizeMicros;
  if (node.kind === 'union-all') return node.inputs.some(hasOverlap);
  return 'input' in node && hasOverlap(node.input);
}
