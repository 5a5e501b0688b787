/**
 * Where things are. The grammar's tree counts UTF-8 bytes, its errors count characters, JavaScript counts UTF-16
 * units, and the client is told characters from 1. The rewritten text has as many UTF-16 units as the original.
 */
const isAscii = (text: string): boolean => /^[\0-\x7f]*$/.test(text);

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;

function byteLength(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}

export class SourceText {
  readonly text: string;
  readonly #rewritten: string;
  readonly #ascii: boolean;
  #counted = { offset: 0, position: 1 };

  constructor(text: string, rewritten: string = text) {
    this.text = text;
    this.#rewritten = rewritten;
    this.#ascii = isAscii(text);
  }

  /** UTF-16 offset of a byte location of the tree. */
  offset(location: number): number {
    if (this.#ascii) return location;
    let bytes = 0;
    let units = 0;
    while (bytes < location && units < this.#rewritten.length) {
      const point = this.#rewritten.codePointAt(units) ?? 0;
      bytes += byteLength(point);
      units += point > 0xffff ? 2 : 1;
    }
    return units;
  }

  /** UTF-16 offset of a character of the rewritten text, as the grammar's errors count. */
  offsetOfCharacter(characters: number): number {
    if (this.#ascii) return characters;
    let units = 0;
    for (let i = 0; i < characters && units < this.#rewritten.length; i++) {
      units += isHighSurrogate(this.#rewritten.charCodeAt(units)) ? 2 : 1;
    }
    return units;
  }

  /** Character position from 1, as PostgreSQL counts, of a UTF-16 offset. */
  positionOfOffset(offset: number): number {
    if (this.#ascii) return offset + 1;
    // statements are asked for in their order: the count goes on where the last one ended
    if (offset < this.#counted.offset) this.#counted = { offset: 0, position: 1 };
    let { offset: at, position } = this.#counted;
    while (at < offset) {
      at += isHighSurrogate(this.text.charCodeAt(at)) ? 2 : 1;
      position++;
    }
    this.#counted = { offset: at, position };
    return position;
  }

  /** Position of a node; undefined where the tree knows none. */
  position(location: number | undefined): number | undefined {
    const at = location ?? 0;
    return at < 0 ? undefined : this.positionOfOffset(this.offset(at));
  }
}
