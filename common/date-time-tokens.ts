/**
 * Cuts date, time and interval text into fields, as PostgreSQL's reader does: by the characters a field begins with
 * and those that may follow. What a field means depends on its neighbours and is decided by the reader.
 */
export type TokenKind = 'number' | 'date' | 'time' | 'signed' | 'word' | 'special';
export type Token = Readonly<{ kind: TokenKind; text: string }>;

const isDigit = (c: string | undefined): boolean => c !== undefined && c >= '0' && c <= '9';
const isLetter = (c: string | undefined): boolean => c !== undefined && /[a-z]/.test(c);
const isBlank = (c: string | undefined): boolean => c !== undefined && /[ \t\n\r\f\v]/.test(c);
const isSeparator = (c: string | undefined): boolean => c === '-' || c === '/' || c === '.';

/** null: a character that fits nowhere. `isWord`: letters that mean something when digits follow them. */
export function tokenize(input: string, isWord: (word: string) => boolean): readonly Token[] | null {
  const text = input.toLowerCase();
  const tokens: Token[] = [];
  let at = 0;
  const takeWhile = (start: number, test: (c: string | undefined) => boolean): number => {
    let end = start;
    while (end < text.length && test(text[end])) end++;
    return end;
  };
  while (at < text.length) {
    const c = text[at];
    if (isBlank(c)) {
      at++;
      continue;
    }
    const start = at;
    let kind: TokenKind;
    if (isDigit(c)) {
      at = takeWhile(at, isDigit);
      kind = 'number';
      if (text[at] === ':') {
        at = takeWhile(at, (x) => isDigit(x) || x === ':' || x === '.');
        kind = 'time';
      } else if (isSeparator(text[at])) {
        const delimiter = text[at];
        at++;
        if (isDigit(text[at])) {
          kind = delimiter === '.' ? 'number' : 'date';
          at = takeWhile(at, isDigit);
          if (text[at] === delimiter) {
            kind = 'date';
            at = takeWhile(at, (x) => isDigit(x) || x === delimiter);
          }
        } else if (isLetter(text[at]) || delimiter !== '.') {
          kind = 'date';
          at = takeWhile(at, (x) => isDigit(x) || isLetter(x) || x === delimiter);
        }
      }
    } else if (c === '.') {
      at = takeWhile(at + 1, isDigit);
      kind = 'number';
    } else if (isLetter(c)) {
      at = takeWhile(at, isLetter);
      kind = 'word';
      const compound =
        isSeparator(text[at]) || ((text[at] === '+' || isDigit(text[at])) && !isWord(text.slice(start, at)));
      if (compound) {
        kind = 'date';
        at = takeWhile(at, (x) => isDigit(x) || isLetter(x) || (x !== undefined && '+-/_.:'.includes(x)));
      }
    } else if (c === '+' || c === '-') {
      at = takeWhile(at + 1, isBlank);
      if (isDigit(text[at]) || text[at] === '.') {
        at = takeWhile(at, (x) => isDigit(x) || x === ':' || x === '.' || x === '-');
        kind = 'signed';
      } else if (isLetter(text[at])) {
        at = takeWhile(at, isLetter);
        kind = 'special';
      } else return null;
      tokens.push({ kind, text: c + text.slice(start + 1, at).trim() });
      continue;
    } else if (/[!-/:-@[-`{-~]/.test(c ?? '')) {
      at++;
      continue;
    } else return null;
    tokens.push({ kind, text: text.slice(start, at) });
  }
  return tokens;
}

/** `04:05[:06[.789]]` → µs; null where malformed. Limits are the caller's. */
export function readClock(
  text: string,
  options: Readonly<{ minutesFirst: boolean }> = { minutesFirst: false },
): Readonly<{ hours: number; minutes: number; seconds: number; micros: number }> | null {
  const match = /^(\d{1,9}):(\d{1,9})(?:(:)(\d{1,9})?)?(\.\d*)?$/.exec(text);
  if (match === null) return null;
  let [hours, minutes, seconds] = [Number(match[1]), Number(match[2]), Number(match[4] ?? 0)];
  if (match[3] === undefined && match[5] !== undefined) {
    // mm:ss.fff
    [hours, minutes, seconds] = [0, hours, minutes];
  } else if (options.minutesFirst && match[3] === undefined) {
    [hours, minutes, seconds] = [0, hours, minutes];
  }
  return { hours, minutes, seconds, micros: fractionMicros(match[5] ?? '') };
}

/** `.1234567` → 123457: half to even at the microsecond, as rint does on the binary value. */
export function fractionMicros(text: string): number {
  if (text === '' || text === '.') return 0;
  const value = Number(`0${text}`) * 1e6;
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest > 0.5 || (rest === 0.5 && floor % 2 === 1)) return floor + 1;
  return floor;
}
