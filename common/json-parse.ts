/** A strict JSON reader that keeps numbers exact; positions are into the text, so that json keeps its spelling. */
import { type Decimal, parseDecimal } from './decimal.ts';
import { SqlError } from './sql-error.ts';

export type JsonNode =
  | Readonly<{ kind: 'null' }>
  | Readonly<{ kind: 'boolean'; value: boolean }>
  | Readonly<{ kind: 'number'; value: Decimal }>
  | Readonly<{ kind: 'string'; value: string }>
  | Readonly<{ kind: 'array'; items: readonly JsonNode[] }>
  /** In the text's order, duplicates and all. */
  | Readonly<{ kind: 'object'; members: readonly (readonly [string, JsonNode])[] }>;

/** Nesting that PostgreSQL's stack takes by default, about. */
const DEPTH_MAX = 5000;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const TOKEN = /[A-Za-z0-9_$.+\-\u0080-\u{10FFFF}]+|[\s\S]/uy;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

class JsonReader {
  readonly #text: string;
  readonly #nul: boolean;
  #at = 0;
  #depth = 0;

  /** `nul`: \u0000 may stand in a string (json); jsonb refuses it. */
  constructor(text: string, nul: boolean) {
    this.#text = text;
    this.#nul = nul;
  }

  document(): JsonNode {
    const node = this.#value();
    this.#skipBlanks();
    if (this.#at < this.#text.length) throw this.#unexpected('end of input');
    return node;
  }

  #skipBlanks(): void {
    while (' \t\n\r'.includes(this.#text[this.#at] ?? 'x')) this.#at++;
  }

  #error(detail: string): SqlError {
    return new SqlError('22P02', 'invalid input syntax for type json', { detail });
  }

  /** PostgreSQL tells a token it can't read from one that stands in the wrong place. */
  #unexpected(expected: string): SqlError {
    if (this.#at >= this.#text.length) return this.#error('The input string ended unexpectedly.');
    TOKEN.lastIndex = this.#at;
    const token = TOKEN.exec(this.#text)?.[0] ?? '';
    const readable = /^(?:[{}[\],:"]|true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/.test(
      token,
    );
    if (!readable) return this.#error(`Token "${token}" is invalid.`);
    const whole = token === '"' ? this.#text.slice(this.#at, this.#stringEnd()) : token;
    return this.#error(`Expected ${expected}, but found "${whole}".`);
  }

  #stringEnd(): number {
    let end = this.#at + 1;
    while (end < this.#text.length && this.#text[end] !== '"') end += this.#text[end] === '\\' ? 2 : 1;
    return end + 1;
  }

  #value(): JsonNode {
    this.#skipBlanks();
    const c = this.#text[this.#at];
    if (c === '{') return this.#object();
    if (c === '[') return this.#array();
    if (c === '"') return { kind: 'string', value: this.#string() };
    if (c === '-' || (c !== undefined && c >= '0' && c <= '9')) return this.#number();
    for (const [word, node] of WORDS) {
      if (
        this.#text.startsWith(word, this.#at) &&
        !/[A-Za-z0-9_]/.test(this.#text[this.#at + word.length] ?? '')
      ) {
        this.#at += word.length;
        return node;
      }
    }
    throw this.#unexpected('JSON value');
  }

  #number(): JsonNode {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    const end = NUMBER.lastIndex;
    if (match === null || /[A-Za-z0-9_.+-]/.test(this.#text[end] ?? '')) {
      TOKEN.lastIndex = this.#at;
      throw this.#error(`Token "${TOKEN.exec(this.#text)?.[0] ?? ''}" is invalid.`);
    }
    this.#at = end;
    return { kind: 'number', value: parseDecimal(match[0]) };
  }

  #string(): string {
    const start = ++this.#at;
    let out = '';
    let from = start;
    for (;;) {
      const c = this.#text.charCodeAt(this.#at);
      if (Number.isNaN(c)) throw this.#error(`Token "${this.#text.slice(start - 1)}" is invalid.`);
      if (c === 0x22) break;
      if (c < 0x20) {
        const hex = c.toString(16).padStart(2, '0');
        throw this.#error(`Character with value 0x${hex} must be escaped.`);
      }
      if (c === 0x5c) {
        out += this.#text.slice(from, this.#at) + this.#escape();
        from = this.#at;
      } else this.#at++;
    }
    out += this.#text.slice(from, this.#at);
    this.#at++;
    return out;
  }

  #escape(): string {
    const c = this.#text[this.#at + 1] ?? '';
    if (c !== 'u') {
      const plain = Object.hasOwn(ESCAPES, c) ? ESCAPES[c] : undefined;
      if (plain === undefined) throw this.#error(`Escape sequence "\\${c}" is invalid.`);
      this.#at += 2;
      return plain;
    }
    const unit = this.#unicodeUnit();
    // json keeps its spelling: pairs matter only where it is read.
    if (this.#nul) return String.fromCharCode(unit);
    if (unit >= 0xdc00 && unit <= 0xdfff) {
      throw this.#error('Unicode low surrogate must follow a high surrogate.');
    }
    if (unit < 0xd800 || unit > 0xdbff) {
      if (unit === 0) {
        throw new SqlError('22P05', 'unsupported Unicode escape sequence', {
          detail: '\\u0000 cannot be converted to text.',
        });
      }
      return String.fromCharCode(unit);
    }
    const low = this.#text.startsWith('\\u', this.#at) ? this.#unicodeUnit() : 0;
    if (low < 0xdc00 || low > 0xdfff) {
      throw this.#error('Unicode low surrogate must follow a high surrogate.');
    }
    return String.fromCharCode(unit, low);
  }

  #unicodeUnit(): number {
    const digits = this.#text.slice(this.#at + 2, this.#at + 6);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) {
      throw this.#error('"\\u" must be followed by four hexadecimal digits.');
    }
    this.#at += 6;
    return Number.parseInt(digits, 16);
  }

  #enter(): void {
    this.#at++;
    if (++this.#depth > DEPTH_MAX) throw new SqlError('54001', 'stack depth limit exceeded');
  }

  #leave(): void {
    this.#at++;
    this.#depth--;
  }

  #array(): JsonNode {
    this.#enter();
    const items: JsonNode[] = [];
    this.#skipBlanks();
    if (this.#text[this.#at] === ']') {
      this.#leave();
      return { kind: 'array', items };
    }
    for (;;) {
      items.push(this.#value());
      this.#skipBlanks();
      if (this.#text[this.#at] === ']') break;
      if (this.#text[this.#at] !== ',') throw this.#unexpected('"," or "]"');
      this.#at++;
    }
    this.#leave();
    return { kind: 'array', items };
  }

  #object(): JsonNode {
    this.#enter();
    const members: [string, JsonNode][] = [];
    this.#skipBlanks();
    if (this.#text[this.#at] === '}') {
      this.#leave();
      return { kind: 'object', members };
    }
    for (;;) {
      this.#skipBlanks();
      if (this.#text[this.#at] !== '"')
        throw this.#unexpected(members.length === 0 ? 'string or "}"' : 'string');
      const key = this.#string();
      this.#skipBlanks();
      if (this.#text[this.#at] !== ':') throw this.#unexpected('":"');
      this.#at++;
      members.push([key, this.#value()]);
      this.#skipBlanks();
      if (this.#text[this.#at] === '}') break;
      if (this.#text[this.#at] !== ',') throw this.#unexpected('"," or "}"');
      this.#at++;
    }
    this.#leave();
    return { kind: 'object', members };
  }
}

const WORDS: readonly (readonly [string, JsonNode])[] = [
  ['true', { kind: 'boolean', value: true }],
  ['false', { kind: 'boolean', value: false }],
  ['null', { kind: 'null' }],
];

/** 22P02 where the text is not JSON; 22P05 for \u0000 unless `nul`. */
export function parseJson(text: string, options: Readonly<{ nul: boolean }> = { nul: false }): JsonNode {
  return new JsonReader(text, options.nul).document();
}
