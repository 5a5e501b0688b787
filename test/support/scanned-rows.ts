import type { BlockScope } from '../../runtime/engine-client.ts';
import { keyConstants } from '../../runtime/plan/key-constants.ts';
import { finiteInput, sourceOf } from '../../runtime/tick/finite/finite-input.ts';
import type { Millrace } from './millrace.ts';

/** How many rows the query looks at in scans below filters that hold a column to something. */
export function scannedRows(
  millrace: Millrace,
  sql: string,
  block: BlockScope | null = null,
  snapshot = block?.snapshot ?? null,
): number {
  const statement = millrace.plan(sql);
  if (statement.kind !== 'query') throw new Error('not a query');
  const source = sourceOf(millrace.core.state, 0, snapshot, block);
  let rows = 0;
  for (const [scan, constants] of keyConstants(statement.plan.root)) {
    if (scan.kind !== 'scan') throw new Error('not a scan');
    const input = finiteInput(scan, source, { constants, windows: null });
    for (let p = input.parts.next(); !p.done; p = input.parts.next())
      for (const { batch } of p.value.parts) rows += batch.rows;
  }
  return rows;
}
