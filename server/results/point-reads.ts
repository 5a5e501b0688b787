/** Single rows out of the answer that has those of all keys. */
import type { Schema } from '../../common/types.ts';
import { formatDatum } from '../../common/value-text.ts';
import type { Batch } from '../../runtime/batch/column.ts';
import { readDatum } from '../../runtime/batch/datum.ts';
import { gatherBatch } from '../../runtime/batch/gather.ts';
import type { PolledAnswer } from '../../runtime/engine-client.ts';
import type { Planned } from '../../planner/statement.ts';

type PointRead = NonNullable<Planned['pointRead']>;
type Place = Readonly<{ batch: Batch; row: number }>;
type Places = ReadonlyMap<string, readonly Place[]>;

/** By answer: it is asked for many keys before the next one comes. */
const placesOfAnswers = new WeakMap<PolledAnswer, Places>();

export function pointRows(answer: PolledAnswer, { reads, keys }: PointRead): readonly Batch[] {
  const visible = reads.plan.columns.length - reads.keys.length;
  const texts = keys.filter((key) => key !== null);
  if (texts.length < keys.length) return [];
  let places = placesOfAnswers.get(answer);
  if (places === undefined) {
    places = placesIn(answer.batches, reads.plan.columns, visible);
    placesOfAnswers.set(answer, places);
  }
  return (places.get(keyText(texts)) ?? []).map(({ batch, row }) => {
    const { columns, ...rest } = gatherBatch(batch, Uint32Array.of(row), 1);
    return { ...rest, columns: columns.slice(0, visible) };
  });
}

function placesIn(batches: readonly Batch[], schema: Schema, visible: number): Places {
  const places = new Map<string, Place[]>();
  for (const batch of batches) {
    for (let row = 0; row < batch.rows; row++) {
      const key = keyAt(batch, schema, visible, row);
      if (key === null) continue;
      const there = places.get(key);
      if (there === undefined) places.set(key, [{ batch, row }]);
      else there.push({ batch, row });
    }
  }
  return places;
}

/** null: no value equals NULL. */
function keyAt(batch: Batch, schema: Schema, first: number, row: number): string | null {
  const texts: string[] = [];
  for (let c = first; c < schema.length; c++) {
    const { type } = schema[c]!;
    const datum = readDatum(batch.columns[c]!, row, type);
    if (datum === null) return null;
    texts.push(formatDatum(datum, type));
  }
  return keyText(texts);
}

const keyText = (texts: readonly string[]): string =>
  texts.length === 1 ? texts[0]! : JSON.stringify(texts);
