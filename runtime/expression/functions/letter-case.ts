/** Upper and lower case, one character for one, as towlower and towupper of C.UTF-8 give it. */

const ASCII = /^[\0-\x7f]*$/;

function mapped(text: string, map: (character: string) => string): string {
  if (ASCII.test(text)) return map(text);
  let out = '';
  for (const c of text) {
    const other = map(c);
    // ß has no single upper-case letter in this mapping, İ no single lower-case one.
    out += [...other].length === 1 ? other : c;
  }
  return out;
}

export const lower = (text: string): string => mapped(text, (c) => c.toLowerCase());
export const upper = (text: string): string => mapped(text, (c) => c.toUpperCase());

const WORD_CHARACTER = /[\p{L}\p{N}]/u;

/** The first letter of each word upper, the others lower; words are letters and digits. */
export function initcap(text: string): string {
  let out = '';
  let inside = false;
  for (const c of text) {
    out += inside ? lower(c) : upper(c);
    inside = WORD_CHARACTER.test(c);
  }
  return out;
}
