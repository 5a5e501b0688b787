/**
 * How many rows relations hold and the bytes they take, as one text in which the mirror finds each by its OID without reading
 * the rest: functions of sizes are called once a relation.
 *
 *   ,16385:3:1024:512,16390::512:0
 *      |    |  |   `- bytes of its indexes
 *      |    |  `----- bytes of its rows
 *      |    `-------- rows; none of an index
 *      `------------- the relation or index
 */
import type { RelationSize } from '../../runtime/engine-client.ts';

export type SizeTexts = Readonly<{ relations: string; database: string }>;

export function sizeTexts(sizes: readonly RelationSize[]): SizeTexts {
  let total = 0;
  const relations = sizes.map(({ relation, rows, bytes, indexes }) => {
    const ofIndexes = indexes.reduce((sum, index) => sum + index.bytes, 0);
    total += bytes + ofIndexes;
    const parts = indexes.map((index) => `,${index.index}::${index.bytes}:0`);
    return `,${relation}:${rows}:${bytes}:${ofIndexes}${parts.join('')}`;
  });
  return { relations: relations.join(''), database: `${total}` };
}

/** The part of relation `$1` in SQL: 1 rows, 2 bytes, 3 bytes of its indexes; NULL where it is not known. */
export const sizePart = (texts: string, part: 1 | 2 | 3): string =>
  `nullif(split_part(split_part(split_part(${texts}, ',' || $1::oid::int8 || ':', 2), ',', 1), ':', ${part}), '')::int8`;
