import { assert } from '../../common/assert.ts';
import { SqlError } from '../../common/sql-error.ts';
import { createDecoder } from '../format/decode/create-decoder.ts';
import type { ConnectorOptions, StreamDefinition } from '../plan/relation.ts';
import { allowedPath } from './allowed-path.ts';
import { FileSource } from './file-source.ts';
import { GeneratorSource } from './generator-source.ts';
import type { Source } from './source.ts';
import { TcpSource } from './tcp-source.ts';

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1', '[::1]']);

/** 22023 where the connector may not go, whether or not there is something now. */
export function checkReach(source: ConnectorOptions, filesDirectory: string | null): void {
  if (source.connector === 'file') allowedPath(source.path, filesDirectory);
  if (source.connector === 'tcp' && !LOOPBACK.has(source.host)) {
    throw new SqlError('22023', `host "${source.host}" is not allowed for the tcp connector`, {
      hint: 'It reaches only the loopback.',
    });
  }
}

/** `used`: columns somebody reads; null: all. 22023 where the connector may not go, ExternalError where it can't. */
export function createSource(
  definition: StreamDefinition,
  used: ReadonlySet<number> | null,
  filesDirectory: string | null,
): Source {
  const { source, columns, format, watermark } = definition;
  const positions = columns.flatMap((c, i) => (c.generated === null ? [i] : []));
  checkReach(source, filesDirectory);
  const decoder = (): ReturnType<typeof createDecoder> =>
    createDecoder(columns, positions, format, used, definition.name);
  switch (source.connector) {
    case 'file':
      return new FileSource(allowedPath(source.path, filesDirectory), source.follow, decoder);
    case 'tcp':
      return new TcpSource(source.host, source.port, decoder());
    case 'generator':
      return new GeneratorSource(columns, watermark?.column ?? -1, source);
    case 'log':
      break;
  }
  assert(false, 'a stream of its own log has no source');
}
