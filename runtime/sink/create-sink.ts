import { unreachable } from '../../common/assert.ts';
import type { SinkDefinition } from '../plan/relation.ts';
import { allowedPath } from '../source/allowed-path.ts';
import { BlackholeSink } from './blackhole-sink.ts';
import { FileSink } from './file-sink.ts';
import type { Sink } from './sink.ts';

export function createSink(
  definition: SinkDefinition,
  changes: boolean,
  filesDirectory: string | null,
): Sink {
  const { sink, plan } = definition;
  const input = { schema: plan.columns, changes };
  switch (sink.connector) {
    case 'blackhole':
      return new BlackholeSink(input);
    case 'file':
      return new FileSink({ ...sink, path: allowedPath(sink.path, filesDirectory) }, input);
    default:
      return unreachable(sink);
  }
}
