import { assert } from '../../common/assert.ts';
import { createDecoder } from '../format/decode/create-decoder.ts';
import type { ConnectorOptions, StreamDefinition } from '../plan/relation.ts';
import { requireHost } from './allowed-host.ts';
import { allowedPath } from './allowed-path.ts';
import { FileSource } from './file-source.ts';
import { GeneratorSource } from './generator-source.ts';
import type { Source } from './source.ts';
import type { SecretReader } from './secret-reader.ts';
import { TcpSource } from './tcp-source.ts';

/** Where connectors may go: files below a directory (null: none), hosts beside the loopback. */
export type Reach = Readonly<{ filesDirectory: string | null; connectorHosts: readonly string[] }>;

/** 22023 where the connector may not go, whether or not there is something now. */
export function checkReach(source: ConnectorOptions, { filesDirectory, connectorHosts }: Reach): void {
  if (source.connector === 'file') allowedPath(source.path, filesDirectory);
  if (source.connector === 'tcp') requireHost(source.host, source.port, connectorHosts);
}

/** With its line feed; null: there is none. */
function greetingOf(
  { greeting }: ConnectorOptions & { connector: 'tcp' },
  secrets: SecretReader,
): Buffer | null {
  return greeting == null ? null : Buffer.concat([secrets.bytesOf(greeting), LINE_FEED]);
}

const LINE_FEED = Buffer.from('\n');

/** `used`: columns somebody reads; null: all. 22023 where the connector may not go, ExternalError where it can't. */
export function createSource(
  definition: StreamDefinition,
  used: ReadonlySet<number> | null,
  reach: Reach,
  secrets: SecretReader,
): Source {
  const { source, columns, format, watermark } = definition;
  const positions = columns.flatMap((c, i) => (c.generated === null ? [i] : []));
  checkReach(source, reach);
  const decoder = (): ReturnType<typeof createDecoder> =>
    createDecoder(columns, positions, format, used, definition.name);
  switch (source.connector) {
    case 'file':
      return new FileSource(allowedPath(source.path, reach.filesDirectory), source.follow, decoder);
    case 'tcp':
      return new TcpSource(source, () => greetingOf(source, secrets), decoder());
    case 'generator':
      return new GeneratorSource(columns, watermark?.column ?? -1, source);
    case 'log':
      break;
  }
  assert(false, 'a stream of its own log has no source');
}
