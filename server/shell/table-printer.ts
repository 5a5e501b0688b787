/** Rows as an aligned table. A long or live result is printed as it comes, with the widths of its first rows. */
import type { Column } from './wire-client.ts';

/** After so many rows, or so long, what is there is printed. */
const BUFFERED_ROWS_MAX = 1_000;
const BUFFERED_MS_MAX = 150;

/** int8, int2, int4, float4, float8, numeric, oid: right-aligned. */
const NUMBER_OIDS: ReadonlySet<number> = new Set([20, 21, 23, 26, 700, 701, 1700]);

export class TablePrinter {
  readonly #columns: readonly Column[];
  readonly #write: (text: string) => void;
  #widths: number[];
  #buffered: string[][] = [];
  #headPrinted = false;
  #timer: NodeJS.Timeout | null = null;
  rows = 0;

  constructor(columns: readonly Column[], write: (text: string) => void) {
    this.#columns = columns;
    this.#write = write;
    this.#widths = columns.map((column) => displayWidth(column.name));
  }

  row(values: readonly (string | null)[]): void {
    this.rows++;
    this.#buffered.push(values.map((value) => printable(value ?? '')));
    this.#timer ??= setTimeout(() => this.#flush(), BUFFERED_MS_MAX);
    if (this.#buffered.length >= BUFFERED_ROWS_MAX) this.#flush();
  }

  end(): void {
    this.#flush();
    if (!this.#headPrinted) this.#printHead();
    this.#write(`(${this.rows} ${this.rows === 1 ? 'row' : 'rows'})\n`);
  }

  /** A message may stand between rows: what came before it must be printed before it. */
  flush(): void {
    this.#flush();
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#buffered.length === 0) return;
    for (const row of this.#buffered) {
      this.#widths = this.#widths.map((width, i) => Math.max(width, displayWidth(row[i] ?? '')));
    }
    if (!this.#headPrinted) this.#printHead();
    this.#write(this.#buffered.map((row) => `${this.#line(row)}\n`).join(''));
    this.#buffered = [];
  }

  #printHead(): void {
    this.#headPrinted = true;
    const names = this.#columns.map((column, i) => center(column.name, this.#widths[i]!));
    this.#write(` ${names.join(' | ')}\n`);
    this.#write(`${this.#widths.map((width) => '-'.repeat(width + 2)).join('+')}\n`);
  }

  #line(row: readonly string[]): string {
    const cells = row.map((text, i) => {
      const padding = ' '.repeat(Math.max(0, this.#widths[i]! - displayWidth(text)));
      return NUMBER_OIDS.has(this.#columns[i]!.typeOid) ? padding + text : text + padding;
    });
    return ` ${cells.join(' | ')}`.trimEnd();
  }
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

function displayWidth(text: string): number {
  let width = 0;
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 126) return [...graphemes.segment(text)].length;
    width++;
  }
  return width;
}

function center(text: string, width: number): string {
  const space = width - displayWidth(text);
  const before = Math.floor(space / 2);
  return `${' '.repeat(before)}${text}${' '.repeat(space - before)}`;
}

/** Control characters of a value must not reach the terminal. */
function printable(text: string): string {
  let shown = '';
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code === 10) shown += '\\n';
    else if (code === 9) shown += '\\t';
    else if (code < 32 || (code >= 127 && code < 160)) shown += `\\x${code.toString(16).padStart(2, '0')}`;
    else shown += character;
  }
  return shown;
}
