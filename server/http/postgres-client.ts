/**
 * PostgreSQL clients that took the port for theirs: their first packet is no HTTP, and "invalid response: H" would be all that
 * they say of an answer in HTTP. So they get one of theirs.
 *
 *   SSLRequest, GSSENCRequest:  int32 8 | int32 80877103 or 80877104      answered by N: in clear
 *   startup packet:             int32 length | int32 196608 (3.0) or more  answered by ErrorResponse
 */
import type { Duplex } from 'node:stream';
import { SqlError } from '../../common/sql-error.ts';
import { ByteWriter } from '../../runtime/format/encode/byte-writer.ts';
import { writeErrorResponse } from '../pgwire/backend-messages.ts';

const ENCRYPTION_REQUESTS: ReadonlySet<number> = new Set([80_877_103, 80_877_104]);
const PROTOCOL_MAJOR = 3;

/** False where the bytes are no packet of such a client. `pgPort` 0: the system has chosen one. */
export function turnPostgresClientAway(socket: Duplex, packet: Buffer | undefined, pgPort: number): boolean {
  if (packet === undefined || packet.length < 8 || packet.readUInt32BE(0) !== packet.length) return false;
  const code = packet.readUInt32BE(4);
  if (ENCRYPTION_REQUESTS.has(code)) {
    // the startup packet comes next, and is no HTTP either
    socket.write('N');
    return true;
  }
  if (code >>> 16 !== PROTOCOL_MAJOR) return false;
  const out = new ByteWriter();
  const where = pgPort === 0 ? 'another port' : `port ${pgPort}`;
  const error = new SqlError('08P01', 'this port is for HTTP and WebSocket', {
    hint: `PostgreSQL clients connect to ${where} (the server's setting "port").`,
  });
  writeErrorResponse(out, 'FATAL', error);
  socket.end(out.take());
  return true;
}
