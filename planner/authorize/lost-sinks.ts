/** Sinks write for their owner without being asked: those whose owner has lost a right that they stand on end. */
import type { SinkDefinition } from '../../runtime/plan/relation.ts';
import type { Catalog } from '../catalog.ts';
import { firstRefusal } from './requirements.ts';

/** As they are from now on. */
export function lostSinks(catalog: Catalog): readonly SinkDefinition[] {
  const lost: SinkDefinition[] = [];
  for (const object of catalog.objects()) {
    if (object.kind !== 'sink' || object.ended !== null) continue;
    const refusal = firstRefusal(catalog, object.reads, object.owner);
    if (refusal !== null) lost.push({ ...object, ended: refusal.message });
  }
  return lost;
}
