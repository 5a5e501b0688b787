/** Why a query can't be EMIT ON WINDOW CLOSE, and what to write instead. */
import { inputsOf, type LogicalNode } from '../logical/logical-plan.ts';
import { propertiesOf } from '../logical/properties.ts';

type Fail = (code: '0A000', message: string, hint?: string) => Error;

const MESSAGE = 'EMIT ON WINDOW CLOSE needs windows that close';

export function refuseClose(node: LogicalNode, fail: Fail): never {
  throw fail('0A000', MESSAGE, hintFor(node));
}

function hintFor(node: LogicalNode): string {
  const windowed = find(node, (n) => n.kind === 'windowed-reduce');
  const rows = find(node, (n) => n.kind === 'window');
  if (windowed === null && rows !== null) return 'Add window_end to GROUP BY, or write EMIT CHANGES.';
  if (windowed?.kind === 'windowed-reduce') {
    const input = propertiesOf(windowed.input, 'close');
    if (!input.times.has(windowed.time)) {
      return 'Windows close by the watermark of a time attribute: use the column of WATERMARK FOR, or write EMIT CHANGES.';
    }
    if (!input.appendOnly) return 'The input of the window can take rows back: write EMIT CHANGES.';
    return 'What stands above the window is maintained: write EMIT CHANGES.';
  }
  const table = find(node, (n) => n.kind === 'scan' && n.relation.kind !== 'stream');
  if (table !== null) return 'The rows of tables and views have no window here: write EMIT CHANGES.';
  return 'Aggregate by a window: GROUP BY HOP(time, slide, size) or TUMBLE(time, size); or write EMIT CHANGES.';
}

function find(node: LogicalNode, wanted: (n: LogicalNode) => boolean): LogicalNode | null {
  if (wanted(node)) return node;
  for (const input of inputsOf(node)) {
    const found = find(input, wanted);
    if (found !== null) return found;
  }
  return null;
}
