import { ByteBlocks } from '../../common/byte-blocks.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { CopyIngest } from '../session/outcome.ts';
import type { Session } from '../session/session.ts';
import { writeCopyResponse } from './backend-messages.ts';
import type { FrontendMessage } from './frontend-message.ts';
import type { WireInput } from './wire-input.ts';
import type { WireOutput } from './wire-output.ts';

/** Passed on at once, about. */
const GATHERED_BYTES = 64 * 1024;

/**
 * COPY FROM STDIN: takes the client's data until it says done, fails or is gone. After an error the rest of its data is
 * ignored where messages are dispatched, as the protocol wants.
 */
export async function receiveCopy(
  session: Session,
  input: WireInput,
  output: WireOutput,
  copy: Readonly<{ columns: number; binary: boolean; ingest: CopyIngest }>,
): Promise<number> {
  writeCopyResponse(output.writer, 'in', copy.columns, copy.binary);
  output.flush();
  // messages that are here already go on together: one that brings a byte costs the engine as much as one of 64 kB
  const gathered = new ByteBlocks();
  const passOn = async (): Promise<void> => {
    for (const block of gathered.takeAll()) await session.interrupt.wait(copy.ingest.push(block));
  };
  try {
    for (;;) {
      if (gathered.bytes >= GATHERED_BYTES) await passOn();
      let message = input.poll();
      if (message === null) {
        await passOn();
        message = await nextMessage(session, input);
      }
      switch (message.kind) {
        case 'copy-data':
          gathered.push(message.data);
          break;
        case 'copy-done':
          await passOn();
          return await copy.ingest.finish();
        case 'copy-fail':
          throw new SqlError('57014', `COPY from stdin failed: ${message.message}`);
        case 'malformed':
          throw message.error;
        case 'flush':
        case 'sync':
          break;
        default:
          throw new SqlError('08P01', `unexpected message "${message.kind}" during COPY from stdin`);
      }
    }
  } catch (error) {
    copy.ingest.abort();
    throw error;
  }
}

async function nextMessage(session: Session, input: WireInput): Promise<FrontendMessage> {
  for (;;) {
    session.interrupt.throwIfRaised();
    if (input.closed) throw new SqlError('08006', 'unexpected EOF on client connection with an open COPY');
    const message = input.poll();
    if (message !== null) return message;
    await session.interrupt.wait(input.ready());
  }
}
