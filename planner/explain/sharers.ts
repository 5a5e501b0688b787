/** Which views and sinks a continuous query's windows keep state together with. */
import type { QueryPlan, PlanNode } from '../../runtime/plan/query-plan.ts';
import { sharesPanes, sharingKey, sharingReduces } from '../../runtime/plan/sharing-key.ts';
import { panesOf } from '../bind/window-specification.ts';
import type { Catalog } from '../catalog.ts';

type CatalogObject = Extract<
  ReturnType<Catalog['objects']> extends Iterable<infer O> ? O : never,
  { plan: QueryPlan }
>;
type WindowedReduce = Extract<PlanNode, { kind: 'windowed-reduce' }>;

/** `panes`: the same panes hold their rows; `groups`: only the numbers of the groups are the same. */
export type Sharers = Readonly<{ panes: readonly CatalogObject[]; groups: readonly CatalogObject[] }>;

export function sharersOf(node: WindowedReduce, plan: QueryPlan | null, catalog: Catalog): Sharers {
  const panes: CatalogObject[] = [];
  const groups: CatalogObject[] = [];
  if (sharingReduces(node)[0] === node) {
    const key = sharingKey(node.input, node.keys);
    for (const object of catalog.objects()) {
      if (!('plan' in object) || object.plan === plan) continue;
      const others = sharingReduces(object.plan.root).filter((o) => sharingKey(o.input, o.keys) === key);
      if (others.some((other) => samePanes(node, other))) panes.push(object);
      else if (others.length > 0) groups.push(object);
    }
  }
  return { panes, groups };
}

const samePanes = (a: WindowedReduce, b: WindowedReduce): boolean =>
  sharesPanes(a) && a.time === b.time && (isMadeOf(a, b) || isMadeOf(b, a));

/** The panes of `whole` are unions of those of `part`, and hold no aggregate that those lack. */
function isMadeOf(whole: WindowedReduce, part: WindowedReduce): boolean {
  const width = panesOf(part.window)!.widthMicros;
  const known = part.aggregates.map((call) => JSON.stringify(call));
  return (
    panesOf(whole.window)!.widthMicros % width === 0 &&
    (offsetOf(whole) - offsetOf(part)) % width === 0 &&
    whole.aggregates.every((call) => known.includes(JSON.stringify(call)))
  );
}

const offsetOf = ({ window }: WindowedReduce): number =>
  window.kind === 'hop' || window.kind === 'tumble' || window.kind === 'cumulate' ? window.offsetMicros : 0;
