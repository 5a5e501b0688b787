/** Recursive descent over tokens, for the statements that PostgreSQL's grammar does not have. */
import { SqlError } from '../../common/sql-error.ts';
import type { SourceText } from './source-text.ts';
import type { QualifiedName } from './statement-syntax.ts';
import { unicodeName } from './unicode-name.ts';
import { closingIndex, isName, isSymbol, isWord, type Token } from './token.ts';

/** As long as PostgreSQL's names. */
const NAME_BYTES_MAX = 63;

/** As its grammar does it, between characters. */
function truncated(name: string): string {
  if (name.length * 3 <= NAME_BYTES_MAX || Buffer.byteLength(name) <= NAME_BYTES_MAX) return name;
  let kept = '';
  for (const character of name) {
    if (Buffer.byteLength(kept + character) > NAME_BYTES_MAX) break;
    kept += character;
  }
  return kept;
}

export class TokenCursor {
  readonly source: SourceText;
  readonly tokens: readonly Token[];
  index: number;
  /** Tokens from here on belong to someone else. */
  readonly end: number;

  constructor(source: SourceText, tokens: readonly Token[], index = 0, end = tokens.length) {
    this.source = source;
    this.tokens = tokens;
    this.index = index;
    this.end = end;
  }

  peek(ahead = 0): Token | undefined {
    const at = this.index + ahead;
    return at < this.end ? this.tokens[at] : undefined;
  }

  get atEnd(): boolean {
    return this.index >= this.end;
  }

  /** Offset of the next token, or the end of the text. */
  get offset(): number {
    return this.peek()?.start ?? this.tokens[this.end - 1]?.end ?? this.source.text.length;
  }

  next(): Token {
    const token = this.peek();
    if (token === undefined) throw this.error();
    this.index++;
    return token;
  }

  /** Takes the words if they all come next. */
  accept(...words: readonly string[]): boolean {
    if (!words.every((word, i) => isWord(this.peek(i), word))) return false;
    this.index += words.length;
    return true;
  }

  acceptSymbol(symbol: string): boolean {
    if (!isSymbol(this.peek(), symbol)) return false;
    this.index++;
    return true;
  }

  expect(...words: readonly string[]): void {
    for (const word of words) if (!this.accept(word)) throw this.error();
  }

  expectSymbol(symbol: string): void {
    if (!this.acceptSymbol(symbol)) throw this.error();
  }

  expectEnd(): void {
    if (!this.atEnd) throw this.error();
  }

  name(): string {
    const token = this.peek();
    if (token === undefined || !isName(token)) throw this.error();
    this.index++;
    const text = this.source.text.slice(token.start, token.end);
    const name = /^u&"/i.test(text) ? this.#decoded(text, token) : truncated(token.value);
    if (name !== '') return name;
    throw this.errorAt(token.start, '42601', `zero-length delimited identifier at or near "${text}"`);
  }

  #decoded(text: string, { start }: Token): string {
    try {
      return unicodeName(text);
    } catch (error) {
      if (error instanceof SqlError) throw this.errorAt(start, error.code, error.message);
      throw error;
    }
  }

  qualifiedName(): QualifiedName {
    const offset = this.offset;
    const parts = [this.name()];
    while (this.acceptSymbol('.')) parts.push(this.name());
    const [last = '', schema = null] = parts.toReversed();
    if (parts.length > 2) {
      throw this.errorAt(
        offset,
        '42601',
        `improper qualified name (too many dotted names): ${parts.join('.')}`,
      );
    }
    return { schema, name: last, offset };
  }

  /** `(` … `)`: gives the index after the closing one; throws where it is missing. */
  closing(): number {
    const close = closingIndex(this.tokens, this.index);
    if (close >= this.end) {
      this.index = this.end;
      throw this.error();
    }
    return close;
  }

  string(): string {
    if (this.peek()?.kind !== 'string') throw this.error();
    return this.next().value;
  }

  error(hint?: string): SqlError {
    const token = this.peek();
    const position = this.source.positionOfOffset(token?.start ?? this.source.text.length);
    if (token === undefined && this.end >= this.tokens.length) {
      return new SqlError('42601', 'syntax error at end of input', { position, hint });
    }
    const shown = token ?? this.tokens[this.end];
    const text = shown === undefined ? '' : this.source.text.slice(shown.start, shown.end);
    return new SqlError('42601', `syntax error at or near "${text}"`, {
      position: this.source.positionOfOffset(shown?.start ?? this.source.text.length),
      hint,
    });
  }

  errorAt(offset: number, code: SqlError['code'], message: string, hint?: string): SqlError {
    return new SqlError(code, message, { position: this.source.positionOfOffset(offset), hint });
  }
}
