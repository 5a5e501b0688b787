/** The generated loop of one JSON shape: compares the literal bytes, reads the values, stops at a row of another shape. */
import { BATCH_ROWS_MAX } from '../../batch/column.ts';
import { fieldStorage, type DecodedField, type FieldArrays } from './decoded-columns.ts';
import { isTimestamp, MICROS_PER_UNIT, type TimestampUnit } from './epoch.ts';
import type { JsonShape } from './json-shape.ts';
import { digitsCode, scanCode, skipDigitsCode, WORD_PARAMETERS, WORD_SETUP } from './word-code.ts';

export type JsonLoop = (
  arrays: readonly FieldArrays[],
  chunk: Uint8Array,
  at: number,
  to: number,
  rows: number,
) => Readonly<{ rows: number; at: number }>;

/** Only numbers (bytes of the separators, ordinals) enter the code. */
export function generateJsonLoop(
  fields: readonly DecodedField[],
  shape: JsonShape,
  unit: TimestampUnit | null,
): JsonLoop {
  const used = fields.map((f, i) => ({ f, i })).filter(({ f }) => f.used);
  const filled = new Set(shape.values.map((v) => v.field));
  const code: string[] = [WORD_SETUP];
  for (const { f, i } of used) {
    const storage = fieldStorage(f.type);
    if (storage === 'view')
      code.push(`const S${i}=arrays[${i}].starts,E${i}=arrays[${i}].ends;let s${i}=0,e${i}=0;`);
    else if (storage === 'number') code.push(`const V${i}=arrays[${i}].values;let n${i}=0;`);
    code.push(`const A${i}=arrays[${i}];`);
  }
  code.push(`let k=rows,i=at;rows:while(k<${BATCH_ROWS_MAX}&&i<to){let p=i,c=0;`);
  shape.values.forEach((value, v) => {
    code.push(literal(shape.separators[v]!));
    code.push(
      value.kind === 'string' ? stringCode(value.field) : numberCode(value.field, fields[value.field], unit),
    );
  });
  code.push(literal(shape.separators.at(-1)!));
  for (const { f, i } of used) {
    const storage = fieldStorage(f.type);
    if (!filled.has(i)) {
      const clear =
        storage === 'view'
          ? `S${i}[k]=0;E${i}[k]=0;`
          : storage === 'number'
            ? `V${i}[k]=0;`
            : `A${i}.datums[k]=null;`;
      code.push(`A${i}.bits[k>>3]&=~(1<<(k&7));A${i}.nulls++;${clear}`);
    } else code.push(storage === 'view' ? `S${i}[k]=s${i};E${i}[k]=e${i};` : `V${i}[k]=n${i};`);
  }
  code.push('k++;i=p}return {rows:k,at:i}');
  const make = new Function(
    ...Object.keys(WORD_PARAMETERS),
    `return function(arrays,b,at,to,rows){${code.join('')}}`,
  );
  return make(...Object.values(WORD_PARAMETERS)) as JsonLoop;
}

/** Four bytes at a time, the last four over those before them. */
function literal(bytes: Uint8Array): string {
  const { length } = bytes;
  if (length === 0) return '';
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const differs: string[] = [];
  if (length < 4) {
    for (let j = 0; j < length; j++) differs.push(`b[p+${j}]!==${bytes[j]!}`);
  } else {
    differs.push(`p+${length}>to`);
    for (let j = 0; j < length; j += 4) {
      const at = Math.min(j, length - 4);
      differs.push(`W.getInt32(p+${at},true)!==${view.getInt32(at, true)}`);
    }
  }
  return `if(${differs.join('||')})break;p+=${length};`;
}

function stringCode(field: number): string {
  // a backslash or a control character is another's
  const scan = `${scanCode(32, [34, 92])}if(c!==34)break;`;
  return field < 0 ? scan : `s${field}=p;${scan}e${field}=p;`;
}

function numberCode(index: number, field: DecodedField | undefined, unit: TimestampUnit | null): string {
  // no zeros before other digits, as JSON has it
  const whole = 'if(p===s0||(b[s0]===48&&p-s0>1))break;c=b[p];';
  if (index < 0 || field === undefined) {
    const fraction = `if(c===46){const s1=++p;${skipDigitsCode}if(p===s1)break;c=b[p]}`;
    return `{if(b[p]===45)p++;const s0=p;${skipDigitsCode}${whole}${fraction}if(c===101||c===69)break;}`;
  }
  const { name } = field.type;
  const time = isTimestamp(field.type);
  const integer = time || name.startsWith('int');
  const factor = time ? MICROS_PER_UNIT[unit ?? 'ms'] : 1;
  const tail = integer
    ? 'if(c===46||c===101||c===69||p-s0>15)break;'
    : `if(c===46){const s1=++p;let f=0;${digitsCode('f')}d=p-s1;if(d===0)break;m=m*D10[d]+f;c=b[p]}if(c===101||c===69||p-s0>(d===0?15:16))break;`;
  const range = name === 'int2' ? 'if(m>32767)break;' : name === 'int4' ? 'if(m>2147483647)break;' : '';
  const value = integer ? (factor === 1 ? 'm' : `m*${factor}`) : 'd!==0?m/D10[d]:m';
  const sign = integer ? `n${index}=g&&v!==0?-v:v;` : `n${index}=g?-v:v;`;
  const single = name === 'float4' ? `n${index}=Math.fround(n${index});` : '';
  return (
    `{let g=false,m=0,d=0;if(b[p]===45){g=true;p++}const s0=p;${digitsCode('m')}` +
    `${whole}${tail}${range}const v=${value};${sign}${single}}`
  );
}
