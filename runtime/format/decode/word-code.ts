/**
 * Code for generated decoders that looks at four bytes at a time: in a loop byte by byte each field's length is a branch
 * that no processor predicts.
 *
 *   'tag17,23'  →  word 'tag1', word '7,23': the lowest marked byte is the stop
 *   '65.57'     →  word '65.5': two digits before the first other byte, shifted to the top: 0065
 *
 * The tricks with borrows and carries are from "Bit Twiddling Hacks" (S. E. Anderson, section on bytes in a word) and
 * Fast numeric string to int (J. Kormanyos, D. Lemire: digits as bytes, pairs, fours). The code expects `b`, the bytes,
 * and `p`, the place.
 */

/** Declarations before the loop. */
export const WORD_SETUP = 'const W=new DataView(b.buffer,b.byteOffset,b.byteLength),L=b.byteLength-4;';

/** What the code refers to, as names and values of the parameters of the function that makes it. */
export const WORD_PARAMETERS: Readonly<Record<string, unknown>> = {
  D10: Float64Array.from({ length: 17 }, (_, i) => 10 ** i),
  tailWord,
};

/** The last bytes as a word; zeros, which stop every scan, follow them. */
function tailWord(bytes: Uint8Array, at: number): number {
  let word = 0;
  for (let i = at; i < bytes.length; i++) word |= bytes[i]! << (8 * (i - at));
  return word;
}

const LOAD = '(p<=L?W.getInt32(p,true):tailWord(b,p)|0)';
const EACH = 0x01010101;
const HIGH_BITS = '-2139062144';
/** Number of bytes below the lowest marked one. */
const BYTES_BELOW = '(31-Math.clz32(t&-t)>>>3)';

/** Moves p to the first byte that is below `below` (at most 128) or one of `stops`; it lands in `c`. */
export function scanCode(below: number, stops: readonly number[]): string {
  const marks = [`w-${below * EACH}&~w`];
  for (const stop of stops) {
    if (stop >= below) marks.push(`(x=w^${(stop * EACH) | 0},x-${EACH}&~x)`);
  }
  return `for(;;){let x=0;const w=${LOAD},t=(${marks.join('|')})&${HIGH_BITS};if(t===0){p+=4;continue}p+=${BYTES_BELOW};c=b[p];break}`;
}

const NOT_DIGITS = `((w&0x7f7f7f7f)+0x76767676|w)&${HIGH_BITS}`;
const FOUR_DIGITS = `(v=Math.imul(w,10)+(w>>>8)&0xff00ff,(v&255)*100+(v>>>16))`;
const NEXT_WORD = `w=${LOAD}^0x30303030;t=${NOT_DIGITS};`;
/** Up to three digits of the word, at its top; zeros below them. */
const LEADING_DIGITS = `n=${BYTES_BELOW};p+=n;w=w<<8<<(24-8*n);`;

/** Up to sixteen digits from p into `target`, a number; p stands behind them. */
export const digitsCode = (target: string): string =>
  `{let w=0,t=0,v=0,n=0,a=0;${NEXT_WORD}` +
  `if(t!==0){${LEADING_DIGITS}${target}=${FOUR_DIGITS}}else{a=${FOUR_DIGITS};p+=4;${NEXT_WORD}` +
  `if(t!==0){${LEADING_DIGITS}${target}=a*D10[n]+${FOUR_DIGITS}}else{a=a*10000+${FOUR_DIGITS};p+=4;${NEXT_WORD}` +
  `if(t!==0){${LEADING_DIGITS}${target}=a*D10[n]+${FOUR_DIGITS}}else{let r=${FOUR_DIGITS};p+=4;${NEXT_WORD}` +
  `if(t!==0){${LEADING_DIGITS}${target}=a*D10[4+n]+(r*D10[n]+${FOUR_DIGITS})}` +
  `else{${target}=a*1e8+(r*10000+${FOUR_DIGITS});p+=4}}}}}`;

/** Moves p behind digits. */
export const skipDigitsCode = `for(;;){const w=${LOAD}^0x30303030,t=${NOT_DIGITS};if(t===0){p+=4;continue}p+=${BYTES_BELOW};break}`;
