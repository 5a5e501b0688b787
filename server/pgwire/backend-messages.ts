/** The server's messages, written into a ByteWriter. Each: byte type, int32 length (itself included), body. */
import type { ByteWriter } from '../../runtime/format/encode/byte-writer.ts';
import type { SqlError } from '../../common/sql-error.ts';
import { type Schema, typeModifier, typeOid, typeSize } from '../../common/types.ts';

export type TransactionStatus = 'idle' | 'block' | 'failed';
export type Severity = 'ERROR' | 'FATAL' | 'PANIC' | 'WARNING' | 'NOTICE';

const STATUS_LETTERS: Readonly<Record<TransactionStatus, string>> = { idle: 'I', block: 'T', failed: 'E' };

/** Starts a message; `endMessage` with what this returns patches the length. */
function beginMessage(out: ByteWriter, type: string): number {
  out.writeByte(type.charCodeAt(0));
  const start = out.length;
  out.writeInt32(0);
  return start;
}

function endMessage(out: ByteWriter, start: number): void {
  out.bytes.writeInt32BE(out.length - start, start);
}

/** Zero bytes can't be in a string of the protocol: the text ends before them. */
function writeCString(out: ByteWriter, text: string): void {
  const zero = text.indexOf('\0');
  out.writeText(zero < 0 ? text : text.slice(0, zero));
  out.writeByte(0);
}

function writeBare(out: ByteWriter, type: string): void {
  endMessage(out, beginMessage(out, type));
}

export const writeParseComplete = (out: ByteWriter): void => writeBare(out, '1');
export const writeBindComplete = (out: ByteWriter): void => writeBare(out, '2');
export const writeCloseComplete = (out: ByteWriter): void => writeBare(out, '3');
export const writeNoData = (out: ByteWriter): void => writeBare(out, 'n');
export const writePortalSuspended = (out: ByteWriter): void => writeBare(out, 's');
export const writeEmptyQueryResponse = (out: ByteWriter): void => writeBare(out, 'I');
export const writeCopyDone = (out: ByteWriter): void => writeBare(out, 'c');

export function writeAuthenticationOk(out: ByteWriter): void {
  const start = beginMessage(out, 'R');
  out.writeInt32(0);
  endMessage(out, start);
}

const AUTHENTICATION_SASL = 10;
const AUTHENTICATION_SASL_CONTINUE = 11;
const AUTHENTICATION_SASL_FINAL = 12;

export function writeAuthenticationSasl(out: ByteWriter, mechanisms: readonly string[]): void {
  const start = beginMessage(out, 'R');
  out.writeInt32(AUTHENTICATION_SASL);
  for (const mechanism of mechanisms) writeCString(out, mechanism);
  out.writeByte(0);
  endMessage(out, start);
}

export function writeAuthenticationSaslData(out: ByteWriter, step: 'continue' | 'final', data: string): void {
  const start = beginMessage(out, 'R');
  out.writeInt32(step === 'continue' ? AUTHENTICATION_SASL_CONTINUE : AUTHENTICATION_SASL_FINAL);
  out.writeText(data);
  endMessage(out, start);
}

export function writeParameterStatus(out: ByteWriter, name: string, value: string): void {
  const start = beginMessage(out, 'S');
  writeCString(out, name);
  writeCString(out, value);
  endMessage(out, start);
}

export function writeBackendKeyData(out: ByteWriter, pid: number, secret: Uint8Array): void {
  const start = beginMessage(out, 'K');
  out.writeInt32(pid);
  out.writeBytes(secret);
  endMessage(out, start);
}

/** The newest minor version that the server speaks, and the options it doesn't know. */
export function writeNegotiateProtocolVersion(
  out: ByteWriter,
  minor: number,
  unknown: readonly string[],
): void {
  const start = beginMessage(out, 'v');
  out.writeInt32((3 << 16) | minor);
  out.writeInt32(unknown.length);
  for (const name of unknown) writeCString(out, name);
  endMessage(out, start);
}

export function writeReadyForQuery(out: ByteWriter, status: TransactionStatus): void {
  const start = beginMessage(out, 'Z');
  out.writeByte(STATUS_LETTERS[status].charCodeAt(0));
  endMessage(out, start);
}

export function writeCommandComplete(out: ByteWriter, tag: string): void {
  const start = beginMessage(out, 'C');
  writeCString(out, tag);
  endMessage(out, start);
}

export function writeParameterDescription(out: ByteWriter, oids: readonly number[]): void {
  const start = beginMessage(out, 't');
  out.writeInt16(oids.length);
  for (const oid of oids) out.writeInt32(oid);
  endMessage(out, start);
}

export function writeRowDescription(out: ByteWriter, columns: Schema, formatOf: (i: number) => number): void {
  const start = beginMessage(out, 'T');
  out.writeInt16(columns.length);
  columns.forEach((column, i) => {
    const { name, type, foreign, origin = foreign } = column;
    writeCString(out, name);
    out.writeInt32(origin?.table ?? 0);
    out.writeInt16(origin?.attribute ?? 0);
    out.writeInt32(foreign?.oid ?? typeOid(type.name));
    out.writeInt16(foreign?.size ?? typeSize(type.name));
    out.writeInt32(foreign?.modifier ?? typeModifier(type));
    out.writeInt16(formatOf(i));
  });
  endMessage(out, start);
}

/** `G`: the client is to send, `H`: it is to receive. */
export function writeCopyResponse(
  out: ByteWriter,
  direction: 'in' | 'out',
  columns: number,
  binary: boolean,
): void {
  const start = beginMessage(out, direction === 'in' ? 'G' : 'H');
  out.writeByte(binary ? 1 : 0);
  out.writeInt16(columns);
  for (let i = 0; i < columns; i++) out.writeInt16(binary ? 1 : 0);
  endMessage(out, start);
}

export function writeErrorResponse(out: ByteWriter, severity: Severity, error: SqlError): void {
  writeFields(out, 'E', severity, error.code, error.message, error);
}

export type NoticeFields = Readonly<{
  severity: 'NOTICE' | 'WARNING';
  code: string;
  message: string;
  detail?: string | undefined;
  hint?: string | undefined;
}>;

export function writeNotificationResponse(
  out: ByteWriter,
  pid: number,
  channel: string,
  payload: string,
): void {
  const start = beginMessage(out, 'A');
  out.writeInt32(pid);
  writeCString(out, channel);
  writeCString(out, payload);
  endMessage(out, start);
}

export function writeNoticeResponse(out: ByteWriter, notice: NoticeFields): void {
  writeFields(out, 'N', notice.severity, notice.code, notice.message, notice);
}

function writeFields(
  out: ByteWriter,
  type: string,
  severity: Severity,
  code: string,
  message: string,
  fields: Readonly<{
    detail?: string | undefined;
    hint?: string | undefined;
    position?: number | undefined;
    context?: string | undefined;
  }>,
): void {
  const start = beginMessage(out, type);
  const write = (letter: string, text: string | undefined): void => {
    if (text === undefined) return;
    out.writeByte(letter.charCodeAt(0));
    writeCString(out, text);
  };
  write('S', severity);
  write('V', severity);
  write('C', code);
  write('M', message);
  write('D', fields.detail);
  write('H', fields.hint);
  write('P', fields.position === undefined ? undefined : `${fields.position}`);
  write('W', fields.context);
  out.writeByte(0);
  endMessage(out, start);
}
