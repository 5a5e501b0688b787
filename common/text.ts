/** Text as PostgreSQL counts and orders it: characters are code points, collation C is the order of UTF-8 bytes. */

const SURROGATE = /[\ud800-\udfff]/;

/** Orders as UTF-8 bytes would: by code point, so that surrogate pairs come after U+FFFF. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) {
      const xHigh = x >= 0xd800 && x <= 0xdfff;
      const yHigh = y >= 0xd800 && y <= 0xdfff;
      if (xHigh !== yHigh) return xHigh ? 1 : -1;
      return x < y ? -1 : 1;
    }
  }
  return a.length < b.length ? -1 : 1;
}

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

/** True where every character is one UTF-16 unit, so that string offsets are character offsets. */
export const isPlain = (text: string): boolean => !SURROGATE.test(text);

export function characterCount(text: string): number {
  if (isPlain(text)) return text.length;
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** Characters from `start` (0-based) up to, not with, `end`. */
export function sliceCharacters(text: string, start: number, end: number): string {
  if (isPlain(text)) return text.slice(Math.max(start, 0), Math.max(end, 0));
  return [...text].slice(Math.max(start, 0), Math.max(end, 0)).join('');
}

/** bpchar ignores blanks at the end. */
export const trimBlanks = (text: string): string => text.replace(/ +$/, '');
