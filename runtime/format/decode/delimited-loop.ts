/** The generated loop of the delimited decoder: plain rows only, one specialised piece of code per field. */
import { daysFromCivil } from '../../../common/calendar.ts';
import { BATCH_ROWS_MAX } from '../../batch/column.ts';
import { fieldStorage, type DecodedField, type FieldArrays } from './decoded-columns.ts';
import { isTimestamp, MICROS_PER_UNIT } from './epoch.ts';
import type { DelimitedFormat } from './delimited-format.ts';
import { digitsCode, scanCode, WORD_PARAMETERS, WORD_SETUP } from './word-code.ts';

/** Rows decoded so far and where it stopped: at `to`, at a full batch, or at the start of a row it does not take. */
export type LoopState = Readonly<{ rows: number; at: number }>;
export type DelimitedLoop = (
  arrays: readonly FieldArrays[],
  chunk: Uint8Array,
  at: number,
  to: number,
  rows: number,
) => LoopState;

/** Code that puts a field's value at row k; a datum field gets here only where no value of a line fills it. */
const STORES: Readonly<Record<ReturnType<typeof fieldStorage>, (field: number) => string>> = {
  view: (i) => `S${i}[k]=s${i};E${i}[k]=e${i};`,
  number: (i) => `V${i}[k]=n${i};`,
  datum: (i) => `A${i}.datums[k]=null;`,
};

const lengthOfMonth = (year: number, month: number): number =>
  month === 12 ? 31 : daysFromCivil(year, month + 1, 1) - daysFromCivil(year, month, 1);

/** `order[i]`: the field that the i-th value of a line fills, −1: none. Names never enter the code, only numbers. */
export function generateDelimitedLoop(
  fields: readonly DecodedField[],
  order: readonly number[],
  format: DelimitedFormat,
  /** times without a zone are UTC's; else the careful reader knows the zone */
  inUtc = true,
): DelimitedLoop {
  const delimiter = format.delimiter.charCodeAt(0);
  const odd = format.quote === null ? 92 : format.quote.charCodeAt(0);
  const emptyIsNull = format.nullText === '' ? 1 : 0;
  const nullStart = Buffer.from(format.nullText)[0] ?? -1;
  const unset = fields.flatMap((f, i) => (f.used && !order.includes(i) ? [i] : []));
  // a field that is never there and must be: every row is the careful reader's (which rejects it)
  const hopeless = unset.some((f) => fields[f]!.notNull);
  const used = fields.map((f, i) => ({ f, i })).filter(({ f }) => f.used);
  const code: string[] = [WORD_SETUP];
  for (const { f, i } of used) {
    code.push(
      fieldStorage(f.type) === 'view'
        ? `const S${i}=arrays[${i}].starts,E${i}=arrays[${i}].ends;`
        : fieldStorage(f.type) === 'number'
          ? `const V${i}=arrays[${i}].values;`
          : '',
      `const A${i}=arrays[${i}];`,
    );
  }
  code.push(`let k=rows,i=at;rows:while(k<${BATCH_ROWS_MAX}&&i<to){let p=i,c=0;`);
  for (const { f, i } of used)
    code.push(fieldStorage(f.type) === 'view' ? `let s${i}=0,e${i}=0,z${i}=0;` : `let n${i}=0,z${i}=0;`);
  if (hopeless) code.push('break;');
  order.forEach((target, position) => {
    const last = position === order.length - 1;
    const field = target < 0 ? undefined : fields[target];
    code.push(
      fieldCode(field, target, {
        delimiter,
        odd,
        emptyIsNull,
        nullStart,
        last,
        inUtc,
        unit: format.timestampUnit,
      }),
    );
  });
  for (const { f, i } of used) {
    const store = STORES[fieldStorage(f.type)](i);
    const isNull = order.includes(i) ? `z${i}===1` : 'true';
    code.push(`if(${isNull}){A${i}.bits[k>>3]&=~(1<<(k&7));A${i}.nulls++}`, store);
  }
  code.push('k++;i=p}return {rows:k,at:i}');
  // bytes at which the plain scan of a field stops
  const stops = new Uint8Array(256);
  for (const c of [delimiter, 10, 13, odd, 0]) stops[c] = 1;
  const parameters = { ...WORD_PARAMETERS, days: daysFromCivil, lengthOfMonth, stops };
  const make = new Function(
    ...Object.keys(parameters),
    `return function(arrays,b,at,to,rows){${code.join('')}}`,
  );
  return make(...Object.values(parameters)) as DelimitedLoop;
}

type FieldOptions = Readonly<{
  delimiter: number;
  odd: number;
  emptyIsNull: number;
  /** first byte of what stands for NULL, −1: nothing does */
  nullStart: number;
  last: boolean;
  inUtc: boolean;
  unit: 's' | 'ms' | 'us' | null;
}>;

/** Code that reads one field from p; whatever is not plain leaves the loop with the row unread. */
function fieldCode(field: DecodedField | undefined, target: number, o: FieldOptions): string {
  const stop = 'break rows;';
  // after a value: the delimiter, or the end of the line; there is a newline before `to`, so no scan runs past it
  const finish = o.last
    ? `if(c===13&&b[p+1]===10)c=b[++p];if(c!==10){${stop}}p++;`
    : `if(c!==${o.delimiter}){${stop}}p++;`;
  const isEnd = o.last ? `(c===10||c===13)` : `c===${o.delimiter}`;
  if (field === undefined || !field.used) {
    const check = field?.notNull ? `if(p===q||b[q]===${o.nullStart}){${stop}}` : '';
    return `{const q=p;${scanText(o)}${check}${finish}}`;
  }
  const empty = field.notNull || o.emptyIsNull === 0 ? `{${stop}}` : `{z${target}=1}`;
  // perhaps NULL: the careful reader knows
  const maybeNull = o.nullStart < 0 ? '' : `if(b[p]===${o.nullStart}){${stop}}`;
  switch (fieldStorage(field.type)) {
    case 'view': {
      const scan = scanText(o);
      const whenEmpty =
        o.emptyIsNull === 1
          ? field.notNull
            ? `if(e${target}===s${target}){${stop}}`
            : `if(e${target}===s${target})z${target}=1;`
          : '';
      return `${maybeNull}s${target}=p;${scan}e${target}=p;${whenEmpty}${finish}`;
    }
    case 'datum':
      return stop;
    case 'number':
      break;
  }
  const name = field.type.name;
  if (name === 'bool') {
    return `${maybeNull}c=b[p];if(${isEnd}){${empty}}else{if(c===116)n${target}=1;else if(c!==102){${stop}}c=b[++p];if(n${target}===1){if(c===114&&b[p+1]===117&&b[p+2]===101){p+=3;c=b[p]}}else if(c===97&&b[p+1]===108&&b[p+2]===115&&b[p+3]===101){p+=4;c=b[p]}}${finish}`;
  }
  if (name === 'date' || name === 'time') return stop;
  if (isTimestamp(field.type) && o.unit === null) {
    return `${maybeNull}c=b[p];if(${isEnd}){${empty}}else{${isoTimestamp(target, field.type.name === 'timestamptz', o.inUtc, stop)}}${finish}`;
  }
  const factor = isTimestamp(field.type) ? MICROS_PER_UNIT[o.unit ?? 'ms'] : 1;
  const integer = isTimestamp(field.type) || name.startsWith('int');
  const range =
    name === 'int2'
      ? `if(m>32767||(m===32768&&!g)){${stop}}`
      : name === 'int4'
        ? `if(m>2147483647){${stop}}`
        : '';
  const fraction = integer
    ? ''
    : `if(c===46){const s1=++p;let f=0;${digitsCode('f')}d=p-s1;if(d===0){${stop}}m=m*D10[d]+f;c=b[p]}`;
  const digits = integer ? `p-s0>15` : `p-s0>(d===0?15:16)`;
  const value = integer ? (factor === 1 ? 'm' : `m*${factor}`) : 'd!==0?m/D10[d]:m';
  const single = name === 'float4' ? `n${target}=Math.fround(n${target});` : '';
  // "-0" is a float of its own; ints have none
  const sign = integer ? `n${target}=g&&v!==0?-v:v;` : `n${target}=g?-v:v;`;
  return (
    `${maybeNull}c=b[p];if(${isEnd}){${empty}}else{let g=false,m=0,d=0;if(c===45){g=true;p++}const s0=p;` +
    `${digitsCode('m')}if(p===s0){${stop}}c=b[p];${fraction}if(${digits}){${stop}}${range}const v=${value};${sign}${single}}${finish}`
  );
}

/** To the next byte at which a field's plain scan stops: NUL, the ends of lines, the delimiter, the quote or escape. */
function scanText({ delimiter, odd }: FieldOptions): string {
  // text has few bytes up to the comma besides the space: one mark for all, and another look at the stop
  const below = Math.max(14, ...[delimiter + 1, odd + 1].filter((bound) => bound <= 45));
  return `for(;;){${scanCode(below, [delimiter, odd])}if(stops[c]!==0)break;p++}`;
}

/** YYYY-MM-DD[ T]HH:MM:SS[.ffffff][Z|±HH[:MM]]; without a zone UTC. */
function isoTimestamp(target: number, zoned: boolean, inUtc: boolean, stop: string): string {
  const two = (at: string): string => `(b[${at}]-48)*10+(b[${at}+1]-48)`;
  const digit = (at: string): string => `(b[${at}]-48>>>0)>9`;
  const checks = [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18].map((o) => digit(`p+${o}`)).join('||');
  const zone = zoned
    ? `if(c===90)c=b[++p];else if(c===43||c===45){const w=c===43?1:-1;if(${digit('p+1')}||${digit('p+2')}){${stop}}let o=(${two('p+1')})*60;p+=3;c=b[p];if(c===58){if(${digit('p+1')}||${digit('p+2')}){${stop}}const h=${two('p+1')};if(h>59){${stop}}o+=h;p+=3;c=b[p]}if(o>959){${stop}}n${target}-=w*o*6e7}${inUtc ? '' : `else{${stop}}`}`
    : '';
  return (
    `if(p+19>to||${checks}||b[p+4]!==45||b[p+7]!==45||b[p+13]!==58||b[p+16]!==58||(b[p+10]!==32&&b[p+10]!==84)){${stop}}` +
    `const Y=(${two('p')})*100+(${two('p+2')}),M=${two('p+5')},D=${two('p+8')},H=${two('p+11')},I=${two('p+14')},S=${two('p+17')};` +
    `if(Y<1||M<1||M>12||D<1||(D>28&&D>lengthOfMonth(Y,M))||H>23||I>59||S>59){${stop}}` +
    `n${target}=days(Y,M,D)*864e8+H*36e8+I*6e7+S*1e6;p+=19;c=b[p];` +
    `if(c===46){let f=0,w=0;c=b[++p];while(c>=48&&c<=57){f=f*10+(c-48);w++;c=b[++p]}if(w===0||w>6){${stop}}n${target}+=f*D10[6-w]}${zone}`
  );
}
