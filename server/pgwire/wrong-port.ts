import type { ByteWriter } from '../../runtime/format/encode/byte-writer.ts';

/** Tells who speaks HTTP here where to go. `httpPort` 0: the system has chosen one. */
export function writeWrongPort(out: ByteWriter, httpPort: number): void {
  const where = httpPort === 0 ? 'millrace.http_port' : `${httpPort}`;
  const body = `This port is for PostgreSQL clients. HTTP and WebSocket are at port ${where}.\n`;
  const head = ['HTTP/1.1 400 Bad Request', 'content-type: text/plain', `content-length: ${body.length}`];
  out.writeText([...head, 'connection: close', '', body].join('\r\n'));
}
