/** The mirror's thread: takes one request at a time. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../../common/assert.ts';
import { Mirror } from './mirror.ts';
import type { FromMirror, MirrorOptions, MirrorReply, MirrorRequest } from './mirror-messages.ts';

assert(parentPort !== null, 'mirror-worker runs in a worker thread');
const port = parentPort;

const post = (message: FromMirror, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

/** All columns of a reply point into one buffer. */
function buffersOf({ batches }: MirrorReply): ArrayBuffer[] {
  const found = new Set<ArrayBuffer>();
  for (const { columns } of batches) {
    for (const column of columns) {
      if (column.kind === 'bytes' && column.bytes.buffer instanceof ArrayBuffer)
        found.add(column.bytes.buffer);
    }
  }
  return [...found];
}

async function answer(mirror: Mirror, request: MirrorRequest): Promise<void> {
  const { id } = request;
  try {
    const reply = await mirror.answer(request);
    post({ kind: 'reply', id, reply, memoryBytes: mirror.memoryBytes }, buffersOf(reply));
  } catch (error) {
    post({ kind: 'broken', id, message: (error as Error).message });
  }
}

try {
  const { mirror, fresh } = await Mirror.start(workerData as MirrorOptions);
  port.on('message', (request: MirrorRequest) => void answer(mirror, request));
  post({ kind: 'ready', fresh }, fresh === null ? [] : [fresh.bytes.buffer]);
} catch (error) {
  post({ kind: 'unavailable', message: (error as Error).message });
}
