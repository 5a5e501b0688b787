import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { SqlError } from '../../common/sql-error.ts';
import { DISCARD_BYTES_MAX, DISCARD_MS_MAX } from '../limits.ts';
import { HttpError } from './http-error.ts';

/** The body's bytes, inflated where the client says gzip; more than `bytesMax` of them is 413. */
export async function* bodyChunks(request: IncomingMessage, bytesMax: number): AsyncGenerator<Buffer> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > bytesMax) throw tooLarge(bytesMax);
  let bytes = 0;
  try {
    // who has sent too much must still be told: the request is not destroyed with the loop
    for await (const chunk of inflated(request).iterator({ destroyOnReturn: false })) {
      bytes += (chunk as Buffer).length;
      if (bytes > bytesMax) throw tooLarge(bytesMax);
      yield chunk as Buffer;
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code?.startsWith('Z_')) throw new HttpError(400, new SqlError('22P02', 'the body is not gzip'));
    throw error;
  }
}

function inflated(request: IncomingMessage): Readable {
  const encoding = (request.headers['content-encoding'] ?? 'identity').toLowerCase();
  if (encoding === 'identity') return request;
  if (encoding !== 'gzip' && encoding !== 'x-gzip') {
    throw new HttpError(
      415,
      new SqlError('0A000', `content encoding "${encoding}" is not supported`, { hint: 'Use gzip.' }),
    );
  }
  const gunzip = createGunzip();
  request.on('error', (error) => gunzip.destroy(error));
  return request.pipe(gunzip);
}

export async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of bodyChunks(request, bytesMax)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function tooLarge(bytesMax: number): HttpError {
  return new HttpError(413, new SqlError('54000', `the body has more than ${bytesMax} bytes`));
}

/** `text/csv; header=present` as its type and its parameters. */
export function contentType(
  request: IncomingMessage,
): Readonly<{ type: string; parameters: ReadonlyMap<string, string> }> {
  const [type = '', ...rest] = (request.headers['content-type'] ?? '').split(';');
  const parameters = new Map<string, string>();
  for (const part of rest) {
    const [name = '', value = ''] = part.split('=');
    parameters.set(name.trim().toLowerCase(), value.trim().replaceAll('"', '').toLowerCase());
  }
  return { type: type.trim().toLowerCase(), parameters };
}

/**
 * Throws away what is left of a body whose answer is given: a connection that is closed under a client that still sends
 * takes the answer away from it. After a while it is closed all the same.
 */
export function discardRest(request: IncomingMessage): void {
  if (request.complete) return;
  const { socket } = request;
  let bytes = 0;
  const timer = setTimeout(() => socket.destroy(), DISCARD_MS_MAX);
  request.once('close', () => clearTimeout(timer));
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > DISCARD_BYTES_MAX) socket.destroy();
  });
  request.resume();
}
