/** to_number. */
import { type Decimal, decimal, parseDecimal, roundTo } from '../../../common/decimal.ts';
import { SqlError } from '../../../common/sql-error.ts';
import { numberTemplate, type TemplateNode, unsupportedPattern } from './number-template.ts';

/** Walks text and template side by side: a digit place takes one character, a sign or point only its own. */
export function parseNumber(text: string, templateText: string): Decimal {
  const template = numberTemplate(templateText);
  if (template.roman !== null) throw unsupportedPattern('RN');
  if (template.exponent) throw new SqlError('0A000', '"EEEE" not supported for input');
  const reader = new NumberReader(text.trimStart(), template.sign !== 'none');
  for (const node of template.nodes) reader.take(node);
  if (template.sign !== 'none') reader.sign();
  const digits = reader.digits.replace(/^\./, '0.').replace(/\.$/, '');
  if (digits === '') throw new SqlError('22P02', 'invalid input syntax for type numeric: " "');
  const value = parseDecimal(`${reader.negative ? '-' : ''}${digits}`);
  if (template.shift === 0) return value;
  return roundTo(decimal(value.coefficient, value.scale + template.shift), template.shift);
}

class NumberReader {
  readonly #text: string;
  readonly #signed: boolean;
  #at = 0;
  negative = false;
  digits = '';

  /** `signed`: the template has a place for the sign, wherever it comes. */
  constructor(text: string, signed: boolean) {
    this.#text = text;
    this.#signed = signed;
    this.sign();
  }

  sign(): void {
    const c = this.#text[this.#at];
    if (c !== '-' && c !== '+' && c !== '<') return;
    this.negative = c !== '+';
    this.#at++;
  }

  take(node: TemplateNode): void {
    const c = this.#text[this.#at] ?? '';
    switch (node.kind) {
      case 'digit':
        if (c >= '0' && c <= '9') this.digits += c;
        else if (c === '-' && this.#signed) this.negative = true;
        if (c !== '' && c !== '.') this.#at++;
        return;
      case 'point':
        if (c !== '.') return;
        this.digits += '.';
        this.#at++;
        return;
      case 'group':
        if (c === ',') this.#at++;
        return;
      case 'literal':
        if (!/[0-9.,+-]/.test(c)) this.#at += node.text.length;
        return;
      default:
        this.sign();
    }
  }
}
