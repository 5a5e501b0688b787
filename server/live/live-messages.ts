/** Messages of live results in JSON: WebSocket frames and the data of Server-Sent Events are the same. */
import type { Schema } from '../../common/types.ts';
import { ByteWriter } from '../../runtime/format/encode/byte-writer.ts';
import { columnMembers } from '../http/collect-rows.ts';
import { encodeJsonRows } from '../http/result-body.ts';
import type { Notice } from '../session/notice.ts';
import type { LiveShape } from '../session/outcome.ts';
import type { RowEvent } from '../session/row-source.ts';

export type Id = string | number | null;

/** SSE has no id: the connection is the subscription. */
const withId = (
  id: Id | undefined,
  members: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> => (id === null || id === undefined ? members : { id, ...members });

export const schemaMessage = (columns: Schema, id?: Id): Readonly<Record<string, unknown>> =>
  withId(id, { op: 'schema', columns: columnMembers(columns) });

export const progressMessage = (tick: number, id?: Id): Readonly<Record<string, unknown>> =>
  withId(id, { op: 'progress', tick });

export function noticeMessage(notice: Notice, id?: Id): Readonly<Record<string, unknown>> {
  const { severity, code, message, detail, hint } = notice;
  return withId(id, { op: 'notice', severity, code, message, detail: detail ?? null, hint: hint ?? null });
}

/** `{"id","op":"rows","tick":t,"rows":[[…]],"diffs":[…]}`: rows are encoded straight from the columns. */
export function rowsMessage(event: Extract<RowEvent, { kind: 'rows' }>, shape: LiveShape, id: Id): Buffer {
  const { batch, tick, deletes } = event;
  const writer = new ByteWriter();
  writer.writeText(rowsHead(tick, id));
  encodeJsonRows(writer, batch, shape.columns);
  writer.writeText(`]${envelopeMembers(batch.rows, batch.weights, deletes, shape)}}`);
  return writer.take();
}

export const rowsHead = (tick: number, id: Id): string =>
  `{${id === null ? '' : `"id":${JSON.stringify(id)},`}"op":"rows","tick":${tick},"rows":[`;

function envelopeMembers(
  rows: number,
  weights: Int32Array | null,
  deletes: Uint8Array | null,
  shape: LiveShape,
): string {
  if (shape.envelope === 'operations') {
    const ops = Array.from({ length: rows }, (_, row) => (deletes?.[row] === 1 ? '"delete"' : '"upsert"'));
    return `,"ops":[${ops.join(',')}]`;
  }
  if (shape.envelope === 'none' || shape.appendOnly) return '';
  const diffs = weights === null ? new Array<number>(rows).fill(1) : weights.subarray(0, rows);
  return `,"diffs":[${diffs.join(',')}]`;
}
