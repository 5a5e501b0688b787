/** Why a continuous query says nothing: one row a cause, the likeliest first. */
import type { SilenceCause } from '../engine-client.ts';
import type { PlanNode, QueryPlan } from '../plan/query-plan.ts';
import type { Oid } from '../plan/relation.ts';
import { windowShape } from '../state/window-shape.ts';
import type { ContinuousQuery } from './continuous-query.ts';
import type { RejectedRowEntry } from './kept-rows.ts';
import type { RelationSet } from './relation-set.ts';
import type { StreamRuntime } from './stream-runtime.ts';

/** A stream without rows for so long is quiet; less where somebody asks earlier. */
const QUIET_MICROS = 1_000_000;

const iso = (micros: number): string =>
  Number.isFinite(micros) ? new Date(micros / 1000).toISOString() : String(micros);

const END_OF_INPUT: SilenceCause = {
  cause: 'no input',
  detail: 'all input was read to its end, and the last windows are closed',
  since: null,
  hint: 'A file is followed with follow = true.',
};

export function causesOfSilence(
  plan: QueryPlan,
  query: ContinuousQuery | null,
  relations: RelationSet,
  rejected: readonly RejectedRowEntry[],
  now: number,
  quietMicros = QUIET_MICROS,
): SilenceCause[] {
  if (query?.ended === true) return [END_OF_INPUT];
  const out: SilenceCause[] = [];
  const streams = plan.relations.flatMap((oid) => relations.streams.get(oid) ?? []);
  const joined = new Set<Oid>();
  for (const stream of streams) out.push(...streamCauses(stream, rejected));
  if (query !== null) out.push(...filterCauses(query));
  walk(plan.root, (node) => {
    if (node.kind === 'windowed-reduce' && node.emit === 'close')
      out.push(...windowCauses(node, streams, now, quietMicros));
    if (node.kind === 'table-join') {
      walk(node.table, (side) => {
        if (side.kind === 'scan') joined.add(side.relation);
      });
      out.push(...joinCauses(node, query, relations));
    }
  });
  // a relation that is only joined does not bring rows
  const read = plan.relations.filter((oid) => !joined.has(oid));
  for (const oid of read) out.push(...emptyTableCauses(oid, relations));
  for (const oid of read) {
    const below = relations.views.get(oid);
    if (below === undefined || below.view.size > 0) continue;
    const causes = causesOfSilence(
      below.view.definition.plan,
      below.query,
      relations,
      rejected,
      now,
      quietMicros,
    );
    const of = `view "${below.view.name}" holds no rows: `;
    out.push(...causes.map((cause) => ({ ...cause, detail: of + cause.detail })));
  }
  for (const stream of streams) out.push(...quietCauses(stream, now, quietMicros));
  if (out.length === 0) for (const oid of read) out.push(...unchangedCauses(oid, relations));
  return out;
}

/** Of a table's own rows. */
export function causesOfTableSilence(oid: Oid, relations: RelationSet): SilenceCause[] {
  const empty = emptyTableCauses(oid, relations);
  return empty.length > 0 ? empty : unchangedCauses(oid, relations);
}

function emptyTableCauses(oid: Oid, relations: RelationSet): SilenceCause[] {
  const table = relations.tables.get(oid);
  if (table === undefined || table.store.size > 0) return [];
  return [
    {
      cause: 'no input',
      detail: `table "${table.name}" holds no rows`,
      since: null,
      hint: 'Insert rows.',
    },
  ];
}

/** Nothing else is known: the table or view holds rows, and no more have come. */
function unchangedCauses(oid: Oid, relations: RelationSet): SilenceCause[] {
  const table = relations.tables.get(oid);
  const relation = table ?? relations.views.get(oid)?.view;
  if (relation === undefined) return [];
  const kind = table === undefined ? 'view' : 'table';
  return [
    {
      cause: 'no input',
      detail: `${kind} "${relation.name}" has not changed since tick ${relation.lastChange}`,
      since: null,
      hint: 'A change that leaves the result as it is sends no rows.',
    },
  ];
}

/** The same of a stream's own rows. */
export const causesOfStreamSilence = (
  stream: StreamRuntime,
  rejected: readonly RejectedRowEntry[],
  now: number,
  quietMicros: number,
): SilenceCause[] => [...streamCauses(stream, rejected), ...quietCauses(stream, now, quietMicros)];

/** It had rows, and then no more: the last thing to say, for it names no remedy. */
function quietCauses(stream: StreamRuntime, now: number, quietMicros: number): SilenceCause[] {
  const { lastRowAt } = stream.watermark;
  if (stream.rowsIn === 0 || lastRowAt === null || now - lastRowAt < quietMicros) return [];
  return [
    {
      cause: 'no input',
      detail: `stream "${stream.name}" has received no rows since ${iso(lastRowAt)}`,
      since: lastRowAt,
      hint: 'Look at its connector, or insert a row.',
    },
  ];
}

function streamCauses(stream: StreamRuntime, rejected: readonly RejectedRowEntry[]): SilenceCause[] {
  if (stream.rowsIn > 0) return [];
  const reasons = rejected.filter((r) => r.relation === stream.name);
  if (reasons.length === 0) {
    return [
      {
        cause: 'no input',
        detail: `stream "${stream.name}" has received no rows`,
        since: null,
        hint: 'Look at its connector, or insert a row.',
      },
    ];
  }
  const counts = new Map<string, number>();
  for (const { reason } of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const [reason] = [...counts].sort((a, b) => b[1] - a[1])[0]!;
  return [
    {
      cause: 'all rows rejected',
      detail: `stream "${stream.name}": ${reason}`,
      since: reasons[0]!.at,
      hint: 'See millrace.rejected_rows.',
    },
  ];
}

function filterCauses(query: ContinuousQuery): SilenceCause[] {
  return query.pipeline
    .statistics()
    .filter((s) => s.operator === 'filter' && s.rowsIn > 0 && s.rowsOut === 0)
    .map((s) => ({
      cause: 'filter passes nothing',
      detail: `filter ${s.id} has seen ${s.rowsIn} rows and passed none`,
      since: null,
      hint: 'Look at the WHERE clause.',
    }));
}

function windowCauses(
  node: PlanNode & { kind: 'windowed-reduce' },
  streams: readonly StreamRuntime[],
  now: number,
  quietMicros: number,
): SilenceCause[] {
  const slowest = streams
    .filter((s) => s.rowsIn > 0)
    .sort((a, b) => a.watermark.value - b.watermark.value)[0];
  if (slowest === undefined) return [];
  const { watermark } = slowest;
  const out: SilenceCause[] = [];
  if (
    slowest.definition.watermark !== null &&
    watermark.lastRowAt !== null &&
    now - watermark.lastRowAt >= quietMicros
  ) {
    out.push({
      cause: 'watermark held back',
      detail: `by stream "${slowest.name}": its watermark is ${iso(watermark.value)}, its last row came at ${iso(watermark.lastRowAt)}`,
      since: watermark.lastRowAt,
      hint: 'Event time stands still without rows; IDLE AFTER lets it go on with the clock.',
    });
  }
  if (node.window.kind === 'session' || !Number.isFinite(watermark.value)) return out;
  const shape = windowShape(node.window);
  const next = shape.endPane(shape.lastClosed(watermark.value) + 1) * shape.widthMicros + shape.offsetMicros;
  out.push({
    cause: 'window open',
    detail: `the next window closes when the watermark reaches ${iso(next)}; it is ${iso(watermark.value)}`,
    since: null,
    hint: 'Results come on window close; EMIT CHANGES shows open windows too.',
  });
  return out;
}

function joinCauses(
  node: PlanNode & { kind: 'table-join' },
  query: ContinuousQuery | null,
  relations: RelationSet,
): SilenceCause[] {
  if (node.join === 'left' || !joinSideIsEmpty(node.table, query, relations)) return [];
  return [
    {
      cause: 'join side empty',
      detail: 'the table of the join holds no rows',
      since: null,
      hint: 'Insert rows, or use LEFT JOIN.',
    },
  ];
}

/** As the running query has seen it; of one that does not run, as the relation is. */
function joinSideIsEmpty(side: PlanNode, query: ContinuousQuery | null, relations: RelationSet): boolean {
  if (query !== null) return query.pipeline.statistics().find((s) => s.id === side.id)?.rowsOut === 0;
  let empty = false;
  walk(side, (node) => {
    if (node.kind !== 'scan') return;
    const held = relations.tables.get(node.relation)?.store ?? relations.views.get(node.relation)?.view;
    empty ||= held?.size === 0;
  });
  return empty;
}

function walk(node: PlanNode, visit: (node: PlanNode) => void): void {
  visit(node);
  if ('input' in node) walk(node.input, visit);
  if ('inputs' in node) for (const child of node.inputs) walk(child, visit);
  if ('table' in node) walk(node.table, visit);
}
