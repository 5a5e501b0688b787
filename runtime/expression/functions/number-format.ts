/**
 * to_char of numbers: a number is rounded to the places after the point, laid into those before it from the right, and
 * `#` fills the places where it does not fit.
 */
import { type Decimal, decimal, formatDecimal, rescale, roundTo } from '../../../common/decimal.ts';
import { type NumberTemplate, numberTemplate } from './number-template.ts';

const ROMAN_DIGITS: readonly (readonly [number, string])[] = [
  [1000, 'M'],
  [900, 'CM'],
  [500, 'D'],
  [400, 'CD'],
  [100, 'C'],
  [90, 'XC'],
  [50, 'L'],
  [40, 'XL'],
  [10, 'X'],
  [9, 'IX'],
  [5, 'V'],
  [4, 'IV'],
  [1, 'I'],
];
const ROMAN_WIDTH = 15;

function romanText(template: NumberTemplate, value: Decimal): string {
  let rest = value.kind === 'finite' ? Number(rescale(value.coefficient, value.scale, 0)) : 0;
  if (rest < 1 || rest > 3999) return '#'.repeat(ROMAN_WIDTH);
  let text = '';
  for (const [size, letters] of ROMAN_DIGITS) {
    for (; rest >= size; rest -= size) text += letters;
  }
  const cased = template.roman === 'lower' ? text.toLowerCase() : text;
  return template.fill ? cased : cased.padStart(ROMAN_WIDTH);
}

/**
 * `-1.23e+05`, without the plus of the number's own sign. `carries`: a mantissa that rounds up to 10 moves the exponent
 * on (floats); numeric shows `10.00e+19`, as PostgreSQL does.
 */
function exponentText(template: NumberTemplate, value: Decimal, carries: boolean): string {
  const blank = template.fill ? '' : ' ';
  if (value.kind !== 'finite')
    return `${blank}${'#'.repeat(template.before)}.${'#'.repeat(template.after + 4)}`;
  const digits = (value.coefficient < 0n ? -value.coefficient : value.coefficient).toString();
  let exponent = value.coefficient === 0n ? 0 : digits.length - 1 - value.scale;
  let mantissa = roundTo(decimal(BigInt(digits), digits.length - 1), template.after);
  if (carries && mantissa.coefficient >= 10n ** BigInt(template.after + 1)) {
    exponent++;
    mantissa = roundTo(decimal(BigInt(digits), digits.length), template.after);
  }
  const sign = value.coefficient < 0n ? '-' : blank;
  const size = String(Math.abs(exponent)).padStart(2, '0');
  return `${sign}${formatDecimal(mantissa)}e${exponent < 0 ? '-' : '+'}${size}`;
}

/** NaN and infinities stand where the digits would, if they fit. */
function specialText(template: NumberTemplate, value: Decimal): string {
  const negative = value.kind === '-infinity';
  const word = value.kind === 'nan' ? 'NaN' : 'Infinity';
  if (word.length > template.before || template.sign !== 'none') {
    return layOut(template, '#'.repeat(template.before), '#'.repeat(template.after), negative, true);
  }
  const groups = template.nodes.filter((node) => node.kind === 'group').length;
  const zeros = template.firstZero >= 0 ? template.before - template.firstZero : 0;
  const signed = `${negative ? '-' : ''}${word.padStart(zeros, '0')}`;
  return template.fill ? signed : signed.padStart(template.before + groups + 1);
}

/** `places`: of a float not more digits after the point are known. */
export function formatNumber(value: Decimal, templateText: string, places?: number): string {
  const full = numberTemplate(templateText);
  const template =
    places === undefined
      ? full
      : { ...full, after: Math.min(places, full.after), pointNeedsPlaces: full.after > 0 };
  if (template.roman !== null) return romanText(template, value);
  if (template.exponent) return exponentText(template, value, places !== undefined);
  if (value.kind !== 'finite') return specialText(template, value);
  const shifted =
    template.shift === 0
      ? value
      : { ...value, coefficient: value.coefficient * 10n ** BigInt(template.shift) };
  const rounded = rescale(shifted.coefficient, shifted.scale, template.after);
  const digits = (rounded < 0n ? -rounded : rounded).toString().padStart(template.after + 1, '0');
  const whole = digits.slice(0, digits.length - template.after);
  const fraction = template.after === 0 ? '' : digits.slice(-template.after);
  if (whole.length > template.before && !(whole === '0' && template.before === 0)) {
    return layOut(template, '#'.repeat(template.before), '#'.repeat(template.after), rounded < 0n, true);
  }
  return layOut(template, whole === '0' ? '' : whole, fraction, rounded < 0n, false);
}

const ORDINALS: Readonly<Record<string, string>> = { 1: 'st', 2: 'nd', 3: 'rd' };

function ordinalSuffix(whole: string): string {
  const lastTwo = Number(whole.slice(-2));
  if (lastTwo >= 11 && lastTwo <= 13) return 'th';
  return ORDINALS[whole.slice(-1)] ?? 'th';
}

/** Places the digits; `whole` has no leading zeros (empty for 0). */
function layOut(
  t: NumberTemplate,
  whole: string,
  fraction: string,
  negative: boolean,
  overflow: boolean,
): string {
  const hasPoint = t.nodes.some((node) => node.kind === 'point');
  // Without places after the point a zero is shown as a digit.
  let shown = whole;
  const nothingAfter = t.after === 0 || (t.fill && t.lastZero < 0 && /^0*$/.test(fraction));
  if (shown === '' && nothingAfter && t.before > 0) shown = '0';
  const firstDigit = t.before - shown.length;
  const firstShown = t.firstZero >= 0 ? Math.min(t.firstZero, firstDigit) : firstDigit;
  const lastKept = t.fill && !overflow ? lastSignificant(t, fraction) : t.before + t.after;
  const floating = t.sign === 'none' || t.sign === 'S-before' || t.sign === 'PR' || t.sign === 'S-after';
  const lead =
    t.sign === 'PR'
      ? negative
        ? '<'
        : ' '
      : t.sign === 'S-before'
        ? negative
          ? '-'
          : '+'
        : negative
          ? '-'
          : ' ';
  const leadFloats = floating && t.sign !== 'S-after';
  let out = '';
  let place = 0;
  let signDone = !leadFloats;
  const putSign = (): void => {
    if (signDone) return;
    signDone = true;
    if (!(t.fill && lead === ' ')) out += lead;
  };
  for (const node of t.nodes) {
    switch (node.kind) {
      case 'digit':
        if (place >= t.before) {
          if (place === firstShown || (firstShown >= t.before && place === t.before && !hasPoint)) putSign();
          if (place < lastKept || !t.fill) out += fraction[place - t.before] ?? '';
        } else if (place >= firstShown) {
          putSign();
          out += place >= firstDigit ? shown[place - firstDigit]! : '0';
        } else if (!t.fill) out += ' ';
        place++;
        break;
      case 'point':
        putSign();
        // A float without known places has no point, unless the places are filled with signs.
        if (t.after > 0 || overflow || !t.pointNeedsPlaces) out += '.';
        break;
      case 'group':
        if (place > firstShown || (place === t.before && shown !== '')) out += ',';
        else if (!t.fill) out += ' ';
        break;
      case 'S':
        if (t.sign === 'S-after') out += negative ? '-' : '+';
        break;
      case 'MI':
        if (negative) out += '-';
        else if (!t.fill) out += ' ';
        break;
      case 'PL':
        if (!negative) out += '+';
        else if (!t.fill) out += ' ';
        break;
      case 'SG':
        out += negative ? '-' : '+';
        break;
      case 'TH':
      case 'th':
        if (!negative && t.after === 0 && !overflow) {
          const suffix = ordinalSuffix(shown);
          out += node.kind === 'TH' ? suffix.toUpperCase() : suffix;
        }
        break;
      case 'literal':
        out += node.text;
        break;
    }
  }
  putSign();
  if (t.sign === 'PR') {
    if (negative) out += '>';
    else if (!t.fill) out += ' ';
  }
  return out;
}

/** FM: zeros at the end stay only up to the last `0` place. */
function lastSignificant(t: NumberTemplate, fraction: string): number {
  const trimmed = fraction.replace(/0+$/, '').length;
  return Math.max(t.before + trimmed, t.lastZero + 1);
}
