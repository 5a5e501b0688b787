/**
 * The loop over rows that all encoders share, generated for the columns of a result: what a column's values take is
 * decided once, not once a value, and every array is a constant of the loop.
 *
 *   for each row:  room for it · begin · field 0 · field 1 · … · end
 *   field i:       before · `null` where it is NULL, else `value`
 *
 * An encoder gives the pieces as code over `out`, `at`, `row`, `start` (where the row began) and the arrays of its
 * field, whose names end in the field's number. Only numbers (codes, ordinals) and pieces that stand in this folder
 * enter the code.
 */
import { BoundedMap } from './bounded-map.ts';
import type { ByteWriter } from './byte-writer.ts';
import { writeAscii, writeBigInt, writeFloat4, writeFloat8, writeInteger } from './number-text.ts';
import { FIELD, type OutputField } from './output-field.ts';
import { writeDate, writeTime } from './time-text.ts';
import {
  copyBytes,
  writeBinaryValue,
  writeHex,
  writeInstant,
  writeIsoInstant,
  writeScalarText,
  writeUuid,
} from './value-bytes.ts';

export type RowPieces = Readonly<{
  /** Names what the pieces are: part of the loop's key. */
  name: string;
  begin: string;
  /** field i, NULL or not */
  before?: (i: number) => string;
  null: string;
  /** of field i */
  value: (field: OutputField, i: number) => string;
  end: string;
  /** What the pieces call beside the functions below. */
  library?: Readonly<Record<string, unknown>>;
}>;

/** `fixed`: bytes that a row takes at the most, its variable parts left out; `given`: whatever the pieces read. */
export type RowLoop = (
  writer: ByteWriter,
  fields: readonly OutputField[],
  from: number,
  to: number,
  fixed: number,
  given: unknown,
) => void;

const LOOPS_MAX = 500;
const loops = new BoundedMap<string, RowLoop>(LOOPS_MAX);

const LIBRARY = {
  writeInteger,
  writeBigInt,
  writeFloat8,
  writeFloat4,
  writeDate,
  writeTime,
  writeInstant,
  writeIsoInstant,
  writeUuid,
  writeHex,
  writeAscii,
  writeBinaryValue,
  writeScalarText,
  copyBytes,
};

export function rowLoop(fields: readonly OutputField[], pieces: RowPieces): RowLoop {
  let key = pieces.name;
  for (const { code, binary, expansion } of fields)
    key += ` ${code}${binary ? 'b' : ''}${expansion === 0 ? '' : 'v'}`;
  const known = loops.get(key);
  if (known !== undefined) return known;
  const loop = generate(fields, pieces);
  loops.set(key, loop);
  return loop;
}

function generate(fields: readonly OutputField[], pieces: RowPieces): RowLoop {
  const constants = fields.map(
    (_, i) =>
      `const f${i}=fields[${i}],v${i}=f${i}.valid,b${i}=f${i}.bytes,s${i}=f${i}.starts,e${i}=f${i}.ends,` +
      `d${i}=f${i}.doubles,n${i}=f${i}.integers,w${i}=f${i}.wide,g${i}=f${i}.flags,x${i}=f${i}.expansion;` +
      `let l${i}=NaN,p${i}=0,q${i}=0;`,
  );
  const room = fields.map(({ expansion }, i) => (expansion === 0 ? '' : `+(e${i}[row]-s${i}[row])*x${i}`));
  const values = fields.map(
    (field, i) =>
      `${pieces.before?.(i) ?? ''}` +
      `if(v${i}!==null&&((v${i}[row>>3]>>(row&7))&1)===0){${pieces.null}}else{${pieces.value(field, i)}}`,
  );
  const code =
    `return function(writer,fields,from,to,fixed,given){${constants.join('')}` +
    'let out=writer.bytes,at=writer.length;for(let row=from;row<to;row++){' +
    `const room=fixed${room.join('')};if(at+room>out.length){writer.length=at;out=writer.reserve(room)}` +
    `const start=at;${pieces.begin}${values.join('')}${pieces.end}}writer.length=at}`;
  const library = { ...LIBRARY, ...pieces.library };
  return new Function(...Object.keys(library), code)(...Object.values(library)) as RowLoop;
}

/** Copies `bytes` as they are: long values natively, short ones by hand. */
export const copyCode = (i: number): string =>
  `{let p=s${i}[row];const q=e${i}[row];if(q-p>64){out.set(b${i}.subarray(p,q),at);at+=q-p}else while(p<q)out[at++]=b${i}[p++]}`;

/** A value's text; FIELD.bytes is each encoder's own. */
export function textCode({ code }: OutputField, i: number): string {
  switch (code) {
    case FIELD.bool:
      return `out[at++]=g${i}[row]===0?102:116;`;
    case FIELD.int16:
    case FIELD.int32:
      return `at=writeInteger(out,at,n${i}[row]);`;
    case FIELD.int64:
      return `at=writeInteger(out,at,d${i}[row]);`;
    case FIELD.wideInt64:
      return `at=writeBigInt(out,at,w${i}[row]);`;
    case FIELD.float8:
      return `at=writeFloat8(out,at,d${i}[row]);`;
    case FIELD.float4:
      return `at=writeFloat4(out,at,d${i}[row]);`;
    case FIELD.date:
      return `at=writeDate(out,at,n${i}[row]);`;
    case FIELD.time:
      return `at=writeTime(out,at,d${i}[row]);`;
    case FIELD.timestamp:
      return repeatedCode(i, `writeInstant(out,at,d${i}[row],false)`);
    case FIELD.timestamptz:
      return repeatedCode(i, `writeInstant(out,at,d${i}[row],true)`);
    case FIELD.uuid:
      return `at=writeUuid(out,at,b${i},s${i}[row]);`;
    default:
      // bytea: a backslash, an x, the digits
      return `out[at]=92;out[at+1]=120;at=writeHex(out,at+2,b${i},s${i}[row],e${i}[row]);`;
  }
}

/** Rows of one tick share their arrival time: the text of the same number, written by this call, is copied. */
export const repeatedCode = (i: number, write: string): string =>
  `if(d${i}[row]===l${i}){for(let p=p${i};p<q${i};p++)out[at++]=out[p]}` +
  `else{p${i}=at;at=${write};q${i}=at;l${i}=d${i}[row]}`;

/** PostgreSQL's binary form, or the text. */
export const wireCode = (field: OutputField, i: number): string => {
  if (field.binary) return `at=writeBinaryValue(out,at,f${i},row);`;
  return field.code === FIELD.bytes ? copyCode(i) : textCode(field, i);
};

/** A big-endian int32 at a place that stands in `place`. */
export const int32Code = (place: string, value: string): string =>
  `{const z=${value};out[${place}]=z>>>24;out[${place}+1]=z>>>16;out[${place}+2]=z>>>8;out[${place}+3]=z}`;
