/**
 * Checks an Arrow IPC stream before the library reads it, which trusts every length and offset:
 *
 *   message: FFFFFFFF (absent before 0.15) | int32 bytes of metadata (0 = end) | FlatBuffer `Message` | body
 *
 * What follows FORMAT (Schema.fbs, Message.fbs) by field number stands here; the values in the bodies are checked
 * where they are read (decode/arrow-cast.ts).
 */
import { SqlError } from '../../../common/sql-error.ts';
import { FlatTable, malformedArrow, readSize } from './flat-table.ts';

const CONTINUATION = -1;
const METADATA_V4 = 3;
const METADATA_V5 = 4;
const HEADER = { schema: 1, dictionaryBatch: 2, recordBatch: 3 } as const;
/** Tables of one message: a schema may not refer to the same field over and over. */
const TABLES_MAX = 10_000;
const DEPTH_MAX = 64;
/** Values of one column of one batch. */
export const ARROW_VALUES_MAX = 1 << 26;

/** 22P04 where the stream is not whole or not sound, 0A000 for what is not read. The bytes begin at a multiple of 8. */
export function checkArrowStream(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  /** How many nodes each column has in a record batch; null: no schema yet. */
  let columns: readonly number[] | null = null;
  while (at < bytes.length) {
    if (at + 4 > bytes.length) throw broken();
    let length = view.getInt32(at, true);
    at += 4;
    if (length === CONTINUATION) {
      if (at + 4 > bytes.length) throw broken();
      length = view.getInt32(at, true);
      at += 4;
    }
    if (length === 0) break;
    if (length < 0 || at + length > bytes.length) throw broken();
    const message = new DataView(bytes.buffer, bytes.byteOffset + at, length);
    const checked = checkMessage(message, bytes.length - at - length, columns);
    columns = checked.columns;
    at += length + checked.bodyBytes;
  }
  if (columns === null) throw malformedArrow('it has no schema');
}

const broken = (): SqlError => malformedArrow('it ends within a message');

function checkMessage(
  view: DataView,
  bytesLeft: number,
  known: readonly number[] | null,
): Readonly<{ bodyBytes: number; columns: readonly number[] }> {
  const message = FlatTable.root(view);
  const version = message.int16(0);
  if (version !== METADATA_V4 && version !== METADATA_V5) {
    throw new SqlError('0A000', 'only versions 4 and 5 of Arrow IPC are supported');
  }
  const bodyBytes = message.size(3, Number.MAX_SAFE_INTEGER);
  if (bodyBytes > bytesLeft) throw broken();
  if (bodyBytes % 8 !== 0) throw malformedArrow('a body is not padded to 8 bytes');
  const budget = { tables: TABLES_MAX };
  checkMetadata(message, 4, budget);
  const header = message.table(2);
  if (header === null) throw malformedArrow('a message has no header');
  const kind = message.uint8(1);
  if (known === null) {
    if (kind !== HEADER.schema) throw malformedArrow('the first message is not a schema');
    return { bodyBytes, columns: checkSchema(header, budget) };
  }
  if (kind === HEADER.recordBatch) checkRecordBatch(header, bodyBytes, known);
  else if (kind === HEADER.dictionaryBatch) {
    header.size(0, Number.MAX_SAFE_INTEGER);
    const data = header.table(1);
    if (data === null) throw malformedArrow('a dictionary has no data');
    header.uint8(2);
    checkRecordBatch(data, bodyBytes, null);
  } else if (kind === HEADER.schema) throw malformedArrow('it has more than one schema');
  else throw new SqlError('0A000', 'an Arrow stream may hold record batches and dictionaries only');
  return { bodyBytes, columns: known };
}

type Budget = { tables: number };

function checkSchema(schema: FlatTable, budget: Budget): readonly number[] {
  if (schema.int16(0) !== 0) throw new SqlError('0A000', 'big-endian Arrow streams are not supported');
  const columns = schema.tables(1).map((field) => checkField(field, budget, 0));
  checkMetadata(schema, 2, budget);
  schema.vector(3, 8);
  return columns;
}

/** Gives the number of its nodes: its own and its children's; those of a dictionary's values are elsewhere. */
function checkField(field: FlatTable, budget: Budget, depth: number): number {
  if (--budget.tables < 0 || depth > DEPTH_MAX) {
    throw new SqlError('54011', 'the Arrow schema has too many fields, or fields too deep');
  }
  field.vector(0, 1);
  field.uint8(1);
  const type = field.table(3);
  if (type === null) throw malformedArrow('a field has no type');
  const children = field.tables(5);
  checkType(type, field.uint8(2), children.length);
  const dictionary = field.table(4);
  if (dictionary !== null) {
    dictionary.size(0, Number.MAX_SAFE_INTEGER);
    const index = dictionary.table(1);
    if (index !== null) checkType(index, TYPE.int, 0);
    dictionary.uint8(2);
  }
  let nodes = 1;
  for (const child of children) nodes += checkField(child, budget, depth + 1);
  checkMetadata(field, 6, budget);
  return dictionary === null ? nodes : 1;
}

const TYPE = {
  int: 2,
  float: 3,
  decimal: 7,
  date: 8,
  time: 9,
  timestamp: 10,
  interval: 11,
  list: 12,
  union: 14,
  fixedSizeBinary: 15,
  fixedSizeList: 16,
  map: 17,
  duration: 18,
  largeList: 21,
  largest: 24,
} as const;

function checkType(type: FlatTable, kind: number, children: number): void {
  const oneOf = (value: number, allowed: readonly number[]): void => {
    if (!allowed.includes(value)) throw malformedArrow(`a type has an unknown parameter ${value}`);
  };
  switch (kind) {
    case TYPE.int:
      oneOf(type.int32(0), [8, 16, 32, 64]);
      type.uint8(1);
      return;
    case TYPE.float:
      oneOf(type.int16(0), [0, 1, 2]);
      return;
    case TYPE.decimal:
      oneOf(type.int32(2, 128), [32, 64, 128, 256]);
      if (Math.abs(type.int32(1)) > 76) throw malformedArrow('a decimal has a scale beyond 76');
      type.int32(0);
      return;
    case TYPE.date:
      oneOf(type.int16(0), [0, 1]);
      return;
    case TYPE.time:
      oneOf(type.int16(0), [0, 1, 2, 3]);
      oneOf(type.int32(1, 32), [32, 64]);
      return;
    case TYPE.timestamp:
      type.vector(1, 1);
      oneOf(type.int16(0), [0, 1, 2, 3]);
      return;
    case TYPE.interval:
      oneOf(type.int16(0), [0, 1, 2]);
      return;
    case TYPE.duration:
      oneOf(type.int16(0), [0, 1, 2, 3]);
      return;
    case TYPE.fixedSizeBinary:
    case TYPE.fixedSizeList:
      if (type.int32(0) < 0) throw malformedArrow('a fixed size is negative');
      if (kind === TYPE.fixedSizeList) oneOf(children, [1]);
      return;
    case TYPE.list:
    case TYPE.largeList:
    case TYPE.map:
      oneOf(children, [1]);
      return;
    case TYPE.union:
      throw new SqlError('0A000', 'Arrow unions are not supported');
    default:
      if (kind < 1 || kind > TYPE.largest || kind === 22) {
        throw new SqlError('0A000', `Arrow type ${kind} is not supported`);
      }
  }
}

/** `columns`: nodes of each column, all as long as the batch; null: a dictionary. */
function checkRecordBatch(batch: FlatTable, bodyBytes: number, columns: readonly number[] | null): void {
  if (batch.table(3) !== null) {
    throw new SqlError('0A000', 'compressed Arrow buffers are not supported', {
      hint: 'Send the stream with Content-Encoding: gzip.',
    });
  }
  const rows = batch.size(0, ARROW_VALUES_MAX);
  const nodes = batch.vector(1, 16);
  for (let i = 0; i < nodes.count; i++) {
    const length = readSize(batch.view, nodes.at + i * 16, ARROW_VALUES_MAX);
    readSize(batch.view, nodes.at + i * 16 + 8, length);
  }
  let node = 0;
  for (const count of columns ?? []) {
    const whole = node + count <= nodes.count;
    if (!whole || readSize(batch.view, nodes.at + node * 16, ARROW_VALUES_MAX) !== rows) {
      throw malformedArrow('a column is not as long as its batch');
    }
    node += count;
  }
  const buffers = batch.vector(2, 16);
  for (let i = 0; i < buffers.count; i++) {
    const offset = readSize(batch.view, buffers.at + i * 16, bodyBytes);
    if (offset % 8 !== 0) throw malformedArrow('a buffer is not aligned to 8 bytes');
    readSize(batch.view, buffers.at + i * 16 + 8, bodyBytes - offset);
  }
  const variadic = batch.vector(4, 8);
  for (let i = 0; i < variadic.count; i++) readSize(batch.view, variadic.at + i * 8, buffers.count);
}

function checkMetadata(table: FlatTable, index: number, budget: Budget): void {
  for (const pair of table.tables(index)) {
    if (--budget.tables < 0) throw malformedArrow('it has too much metadata');
    pair.vector(0, 1);
    pair.vector(1, 1);
  }
}
