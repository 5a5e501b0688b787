/** Messages of live results in JSON: WebSocket frames and the data of Server-Sent Events are the same. */
import type { Schema } from '../../common/types.ts';
import { ByteWriter } from '../../runtime/format/encode/byte-writer.ts';
import { columnMembers } from '../http/collect-rows.ts';
import { encodeJsonRows } from '../http/result-body.ts';
import type { Notice } from '../session/notice.ts';
import type { LiveShape } from '../session/outcome.ts';
import type { RowEvent } from '../session/row-source.ts';
import { encodeOnce } from './shared-encoding.ts';

export type Id = string | number | null;
export type RowsEvent = Extract<RowEvent, { kind: 'rows' }>;

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

/** What stands before the shared bytes of a rows message. */
export const messageHead = (id: Id): string => (id === null ? '{' : `{"id":${JSON.stringify(id)},`);

/**
 * A rows message after its head: `"op":"rows","tick":t,"rows":[[…]],"diffs":[…]}`, encoded straight from the columns,
 * once for all who get this batch in this shape.
 */
export function rowsTail(event: RowsEvent, shape: LiveShape): Buffer {
  const { batch, tick, deletes } = event;
  return encodeOnce(batch, `json ${shapeName(shape)} ${tick}`, () => {
    const writer = new ByteWriter();
    writer.writeText(rowsStart(tick));
    encodeJsonRows(writer, batch, shape.columns);
    writer.writeText(`]${envelopeMembers(batch.rows, batch.weights, deletes, shape)}}`);
    return writer.take();
  });
}

/** A Server-Sent Event of one tick's rows, whole. */
export function rowsServerEvent(event: RowsEvent, shape: LiveShape): Buffer {
  return encodeOnce(event.batch, `sse ${shapeName(shape)} ${event.tick}`, () =>
    Buffer.concat([
      Buffer.from(`id: ${event.tick}\ndata: ${messageHead(null)}`),
      rowsTail(event, shape),
      Buffer.from('\n\n'),
    ]),
  );
}

/** A batch belongs to one relation or query: its columns' types are always the same. */
const shapeName = ({ envelope, appendOnly }: LiveShape): string =>
  `${envelope}${appendOnly ? ' append-only' : ''}`;

export const rowsStart = (tick: number): string => `"op":"rows","tick":${tick},"rows":[`;

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
