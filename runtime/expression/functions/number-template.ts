/** The templates of to_char and to_number for numbers: their digit places and signs. */
import { LRUCache } from 'lru-cache';
import { SqlError } from '../../../common/sql-error.ts';

export type TemplateNode =
  | Readonly<{ kind: 'digit'; zero: boolean }>
  | Readonly<{ kind: 'point' | 'group' | 'S' | 'MI' | 'PL' | 'SG' | 'TH' | 'th' }>
  | Readonly<{ kind: 'literal'; text: string }>;

export type NumberTemplate = Readonly<{
  nodes: readonly TemplateNode[];
  fill: boolean;
  before: number;
  after: number;
  /** V: so many digits are shown as if the point stood further right. */
  shift: number;
  /** Ordinal of the first and last `0` among the digit places, −1 where there is none. */
  firstZero: number;
  lastZero: number;
  sign: 'none' | 'S-before' | 'S-after' | 'MI' | 'PR' | 'other';
  exponent: boolean;
  roman: 'upper' | 'lower' | null;
  pointNeedsPlaces: boolean;
}>;

const KEYWORD = /^(?:FM|EEEE|RN|MI|PL|SG|PR|TH|[09.,DGSVLBC])/i;
const templates = new LRUCache<string, NumberTemplate>({ max: 200 });

const bad = (message: string): SqlError => new SqlError('42601', message);
export const unsupportedPattern = (what: string): SqlError =>
  new SqlError('0A000', `number format pattern "${what}" is not supported`);

export function numberTemplate(text: string): NumberTemplate {
  let template = templates.get(text);
  if (template === undefined) {
    template = readTemplate(text);
    templates.set(text, template);
  }
  return template;
}

class TemplateReader {
  readonly nodes: TemplateNode[] = [];
  fill = false;
  before = 0;
  after = 0;
  shift = 0;
  firstZero = -1;
  lastZero = -1;
  decimal = false;
  multiplied = false;
  exponent = false;
  sign: NumberTemplate['sign'] = 'none';
  roman: NumberTemplate['roman'] = null;

  keyword(word: string): void {
    const upper = word.toUpperCase();
    if (this.exponent) throw bad('"EEEE" must be the last pattern used');
    switch (upper) {
      case '9':
      case '0':
        this.digit(upper === '0');
        return;
      case '.':
      case 'D':
        if (this.decimal) throw bad('multiple decimal points');
        if (this.multiplied) throw bad('cannot use "V" and decimal point together');
        this.decimal = true;
        this.nodes.push({ kind: 'point' });
        return;
      case ',':
      case 'G':
        this.nodes.push({ kind: 'group' });
        return;
      case 'FM':
        this.fill = true;
        return;
      case 'V':
        if (this.decimal) throw bad('cannot use "V" and decimal point together');
        this.multiplied = true;
        return;
      case 'EEEE':
        this.exponent = true;
        return;
      case 'RN':
        this.roman = word === 'rn' ? 'lower' : 'upper';
        return;
      case 'TH':
        this.nodes.push({ kind: word === 'TH' ? 'TH' : 'th' });
        return;
      case 'S':
      case 'MI':
      case 'PL':
      case 'SG':
      case 'PR':
        this.signed(upper);
        return;
      default:
        throw unsupportedPattern(word);
    }
  }

  digit(zero: boolean): void {
    if (this.sign === 'PR') throw bad('"9" must be ahead of "PR"');
    const place = this.before + this.after;
    if (zero) {
      if (this.firstZero < 0 && !this.decimal) this.firstZero = place;
      this.lastZero = place;
    }
    if (this.multiplied) this.shift++;
    if (this.decimal) this.after++;
    else this.before++;
    this.nodes.push({ kind: 'digit', zero });
  }

  signed(word: string): void {
    // PL stands beside the number's own sign.
    if (word === 'PL' && this.sign === 'none') {
      this.nodes.push({ kind: 'PL' });
      return;
    }
    if (word === 'S') {
      if (this.sign === 'S-before' || this.sign === 'S-after') throw bad('cannot use "S" twice');
      if (this.sign !== 'none') throw bad('cannot use "S" and "PL"/"MI"/"SG"/"PR" together');
      this.sign = this.before === 0 && !this.decimal ? 'S-before' : 'S-after';
      this.nodes.push({ kind: 'S' });
      return;
    }
    if (this.sign.startsWith('S')) throw bad(`cannot use "S" and "${word}" together`);
    if (word === 'PR') {
      if (this.sign !== 'none') throw bad('cannot use "PR" and "S"/"PL"/"MI"/"SG" together');
      this.sign = 'PR';
      return;
    }
    this.sign = word === 'MI' && this.sign === 'none' ? 'MI' : 'other';
    this.nodes.push({ kind: word as 'MI' | 'PL' | 'SG' });
  }
}

function readTemplate(text: string): NumberTemplate {
  const reader = new TemplateReader();
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at);
    const quoted = /^"((?:[^"\\]|\\.)*)"?/.exec(rest);
    const keyword = KEYWORD.exec(rest);
    if (quoted !== null) {
      reader.nodes.push({ kind: 'literal', text: quoted[1]!.replace(/\\(.)/g, '$1') });
      at += quoted[0].length;
    } else if (keyword !== null) {
      reader.keyword(keyword[0]);
      at += keyword[0].length;
    } else {
      const character = String.fromCodePoint(text.codePointAt(at)!);
      reader.nodes.push({ kind: 'literal', text: character });
      at += character.length;
    }
  }
  const { nodes, fill, before, after, shift, firstZero, lastZero, sign, exponent, roman } = reader;
  return {
    nodes,
    fill,
    before,
    after,
    shift,
    firstZero,
    lastZero,
    sign,
    exponent,
    roman,
    pointNeedsPlaces: false,
  };
}
