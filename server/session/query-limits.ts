import type { RunOptions } from '../../runtime/engine-client.ts';
import { parseSize } from '../settings/setting-kind.ts';
import type { SessionSettings } from './settings.ts';

/** How many rows a result may have, and how much memory a query; absent: no bound of its own. */
export function queryLimits(settings: SessionSettings): Pick<RunOptions, 'rowsMax' | 'memoryBytesMax'> {
  const rowsMax = Number(settings.get('millrace.result_rows_limit'));
  const memoryBytesMax = parseSize(settings.get('millrace.query_memory_limit')) ?? 0;
  return { ...(rowsMax === 0 ? {} : { rowsMax }), ...(memoryBytesMax === 0 ? {} : { memoryBytesMax }) };
}
