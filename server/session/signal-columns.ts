/** Process ids in the answer of a query of the system catalog become whether their sessions were signalled. */
import type { Field, Schema } from '../../common/types.ts';
import { typeOid } from '../../common/types.ts';
import { requireSignal } from '../../planner/planner.ts';
import type { Statement } from '../../planner/statement.ts';
import type { Batch, BytesColumn } from '../../runtime/batch/column.ts';
import { warning } from './notice.ts';
import type { Session } from './session.ts';

type Signals = Extract<Statement, { kind: 'catalog' }>['signals'];
type Signal = Signals[number];

const BOOL_BYTES = 1;

/** The columns as they are shown. */
export function signalFields(columns: Schema, signals: Signals): Schema {
  return columns.map((field, i): Field => {
    const signal = signals.find(({ column }) => column === i);
    if (signal === undefined) return field;
    const foreign = { table: 0, attribute: 0, oid: typeOid('bool'), size: BOOL_BYTES, modifier: -1 };
    return { ...field, name: signal.name, foreign };
  });
}

/** Whom the role may not signal is 42501, and then nobody is; who is not there gets a warning. */
export function sendSignals(
  session: Session,
  batches: readonly Batch[],
  signals: Signals,
  formatOf: (column: number) => number,
): readonly Batch[] {
  const pending: (() => void)[] = [];
  const answered = batches.map((batch) => {
    const columns = [...batch.columns];
    for (const signal of signals) {
      const binary = formatOf(signal.column) === 1;
      columns[signal.column] = signalled(
        session,
        batch.columns[signal.column] as BytesColumn,
        batch.rows,
        signal,
        binary,
        pending,
      );
    }
    return { ...batch, columns };
  });
  for (const send of pending) send();
  return answered;
}

function signalled(
  session: Session,
  pids: BytesColumn,
  rows: number,
  { terminate }: Signal,
  binary: boolean,
  pending: (() => void)[],
): BytesColumn {
  const { sessions } = session.context;
  const bytes = Buffer.from(binary ? [0, 1] : 'ft');
  const starts = new Uint32Array(rows);
  const ends = new Uint32Array(rows);
  for (let row = 0; row < rows; row++) {
    const value = Buffer.from(
      pids.bytes.buffer,
      pids.bytes.byteOffset + pids.starts[row]!,
      pids.ends[row]! - pids.starts[row]!,
    );
    const isNull = pids.valid !== null && (pids.valid[row >> 3]! & (1 << (row & 7))) === 0;
    if (isNull) continue;
    const pid = binary ? value.readInt32BE(0) : Number(value.toString('latin1'));
    const role = sessions.roleOf(pid);
    if (role === undefined)
      session.notify(warning('01000', `PID ${pid} is not a PostgreSQL backend process`));
    else {
      requireSignal(session.catalog, session.role, role, terminate);
      pending.push(() => sessions.signal(pid, terminate));
    }
    starts[row] = role === undefined ? 0 : 1;
    ends[row] = starts[row]! + 1;
  }
  return { kind: 'bytes', bytes, starts, ends, valid: pids.valid };
}
