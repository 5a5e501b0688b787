/** An outcome as the simple protocol sends it. */
import { unreachable } from '../../common/assert.ts';
import type { Outcome, RowsOutcome } from '../session/outcome.ts';
import { presentRows } from '../session/presented-rows.ts';
import { ResultCursor } from '../session/result-cursor.ts';
import type { Session } from '../session/session.ts';
import {
  writeCommandComplete,
  writeCopyDone,
  writeCopyResponse,
  writeEmptyQueryResponse,
  writeRowDescription,
} from './backend-messages.ts';
import { receiveCopy } from './copy-in.ts';
import { copyEncoder, dataRowEncoder, LIVE_COPY, type RowEncoder, sharedEncoder } from './row-encoder.ts';
import { sendRows } from './send-rows.ts';
import type { WireInput } from './wire-input.ts';
import type { WireOutput } from './wire-output.ts';

export type Wire = Readonly<{ session: Session; input: WireInput; output: WireOutput }>;

/** `settle` runs before CommandComplete: the end of an implicit block may still fail. */
export async function sendOutcome(wire: Wire, outcome: Outcome, settle: () => Promise<void>): Promise<void> {
  const { session, input, output } = wire;
  const complete = async (tag: string): Promise<void> => {
    await settle();
    writeCommandComplete(output.writer, tag);
  };
  switch (outcome.kind) {
    case 'empty':
      await settle();
      writeEmptyQueryResponse(output.writer);
      return;
    case 'command':
      return complete(outcome.tag);
    case 'rows':
      return complete(completionTag(outcome, await sendResult(wire, outcome)));
    case 'copy-out':
      return complete(`COPY ${await sendCopyOutcome(wire, outcome)}`);
    case 'copy-in':
      return complete(`COPY ${await receiveCopy(session, input, output, outcome)}`);
    default:
      return unreachable(outcome);
  }
}

export const completionTag = (outcome: RowsOutcome, rows: number): string =>
  outcome.counted ? `${outcome.tag} ${rows}` : outcome.tag;

export function sendCopyOutcome(wire: Wire, outcome: Outcome & { kind: 'copy-out' }): Promise<number> {
  const { rows, options } = outcome;
  const encoder = copyEncoder(rows.columns, options, wire.session.settings.text);
  const shared =
    rows.live === null
      ? encoder
      : sharedEncoder(encoder, `copy ${JSON.stringify(options)}`, wire.session.settings.text);
  return sendCopy(wire, rows, shared, options.format === 'binary');
}

async function sendResult(wire: Wire, outcome: RowsOutcome): Promise<number> {
  const { session, output } = wire;
  const { text } = session.settings;
  if (outcome.live !== null && wantsCopy(session)) {
    return sendCopy(
      wire,
      outcome,
      sharedEncoder(copyEncoder(outcome.columns, LIVE_COPY, text), 'live', text),
    );
  }
  const format = outcome.binary === true ? 1 : 0;
  writeRowDescription(output.writer, outcome.columns, () => format);
  const rows = dataRowEncoder(outcome.columns, [format], text);
  return drain(wire, outcome, outcome.live === null ? rows : sharedEncoder(rows, 'rows', text));
}

/** psql prints a CopyOut stream as it comes, and rows only when all are there. */
function wantsCopy(session: Session): boolean {
  const format = session.settings.get('millrace.stream_format');
  return format === 'copy' || (format === 'auto' && session.settings.get('application_name') === 'psql');
}

/** CopyOutResponse, the lines, CopyDone; gives the number of rows. */
async function sendCopy(
  wire: Wire,
  outcome: RowsOutcome,
  encoder: RowEncoder,
  binary = false,
): Promise<number> {
  const { output } = wire;
  writeCopyResponse(output.writer, 'out', outcome.columns.length, binary);
  encoder.start(output.writer);
  const rows = await drain(wire, outcome, encoder);
  encoder.finish(output.writer);
  writeCopyDone(output.writer);
  return rows;
}

async function drain(wire: Wire, outcome: RowsOutcome, encoder: RowEncoder): Promise<number> {
  const { session, output } = wire;
  const cursor = new ResultCursor(presentRows(outcome));
  try {
    const { rows } = await sendRows(session, output, cursor, encoder, 0, outcome.live !== null);
    return rows;
  } finally {
    session.release(outcome.source);
  }
}
