/** `\.` in the data of COPY: found however the bytes are cut. */
import { describe, expect, it } from 'vitest';
import { EndOfCopy } from '../../server/session/end-of-copy.ts';

function read(chunks: readonly string[]): string {
  const end = new EndOfCopy();
  const taken = chunks.map((chunk) => Buffer.from(end.take(Buffer.from(chunk))));
  return Buffer.concat([...taken, end.rest()]).toString();
}

const CASES: readonly (readonly [string, string])[] = [
  ['', ''],
  ['\\.\n', ''],
  ['\\.', ''],
  ['\\.\r\n', ''],
  ['a\nb\n\\.\n', 'a\nb\n'],
  ['a\nb\n\\.', 'a\nb\n'],
  ['a\n\\.\ngarbage\n\\.\n', 'a\n'],
  ['a\\.\nb\n', 'a\\.\nb\n'],
  ['\\.b\n\\N\n\\', '\\.b\n\\N\n\\'],
  ['\\\\.\n\\.\rx\n', '\\\\.\n\\.\rx\n'],
  ['\n\n\\.\n', '\n\n'],
];

describe('the end of COPY', () => {
  it.each(CASES)('%j is read as %j', (data, expected) => {
    expect(read([data])).toBe(expected);
    expect(read([...data])).toBe(expected);
    for (let cut = 0; cut <= data.length; cut++)
      expect(read([data.slice(0, cut), data.slice(cut)])).toBe(expected);
  });
});
