/**
 * `\.` alone on a line ends the data of COPY FROM in text format, as psql before 18 sends it for data that stands in a
 * script. What follows is ignored. The bytes come in chunks of any size, so a line that may become the mark is held back.
 */
import type { CopyIngest } from './outcome.ts';

const NEWLINE = 10;
const BACKSLASH = 92;
const DOT = 46;
const CARRIAGE_RETURN = 13;
const NOTHING = Buffer.alloc(0);

type Verdict = 'mark' | 'maybe' | 'no';

/** Whether the line that begins at `at` is the mark; `maybe`: the bytes end before that shows. */
function judge(text: Buffer, at: number): Verdict {
  const rest = text.length - at;
  if (rest === 1) return 'maybe';
  if (text[at + 1] !== DOT) return 'no';
  if (rest === 2) return 'maybe';
  if (text[at + 2] === NEWLINE) return 'mark';
  if (text[at + 2] !== CARRIAGE_RETURN) return 'no';
  if (rest === 3) return 'maybe';
  return text[at + 3] === NEWLINE ? 'mark' : 'no';
}

/** The next line from `from` on that begins with a backslash, or −1. */
function nextCandidate(text: Buffer, from: number): number {
  for (let at = text.indexOf(BACKSLASH, from); at >= 0; at = text.indexOf(BACKSLASH, at + 1)) {
    if (at > 0 && text[at - 1] === NEWLINE) return at;
  }
  return -1;
}

export class EndOfCopy {
  #held: Buffer = NOTHING;
  #atLineStart = true;
  #over = false;

  /** What of the data so far is to be read. */
  take(chunk: Uint8Array): Buffer {
    if (this.#over || chunk.length === 0) return NOTHING;
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    const text = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    this.#held = NOTHING;
    let at = this.#atLineStart && text[0] === BACKSLASH ? 0 : nextCandidate(text, 1);
    for (; at >= 0; at = nextCandidate(text, at + 1)) {
      const verdict = judge(text, at);
      if (verdict === 'no') continue;
      this.#over = verdict === 'mark';
      if (verdict === 'maybe') this.#held = Buffer.from(text.subarray(at));
      this.#atLineStart = true;
      return text.subarray(0, at);
    }
    this.#atLineStart = text.at(-1) === NEWLINE;
    return text;
  }

  /** The data has ended: a backslash alone is data, the mark needs no newline. */
  rest(): Buffer {
    const held = this.#held;
    this.#held = NOTHING;
    return held.length === 1 ? held : NOTHING;
  }
}

export function endingAtMark(ingest: CopyIngest): CopyIngest {
  const end = new EndOfCopy();
  const push = async (bytes: Buffer): Promise<void> => {
    if (bytes.length > 0) await ingest.push(bytes);
  };
  return {
    push: (chunk) => push(end.take(chunk)),
    finish: async () => {
      await push(end.rest());
      return ingest.finish();
    },
    abort: () => ingest.abort(),
  };
}
