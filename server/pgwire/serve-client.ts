import type { Socket } from 'node:net';
import type { PendingConnections } from '../auth/pending-connections.ts';
import { flattenError } from '../flatten-error.ts';
import type { ServerContext } from '../server-context.ts';
import { writeErrorResponse } from './backend-messages.ts';
import { Connection } from './connection.ts';
import { Handshake } from './handshake.ts';

const KEEP_ALIVE_MS = 60_000;

/** A connection from its first byte to its last; it is `pending` until somebody has logged in on it. */
export async function serveClient(
  context: ServerContext,
  socket: Socket,
  pending: PendingConnections,
): Promise<void> {
  const { metrics, log } = context;
  socket.setNoDelay(true);
  // Tells half-open connections: the peer is gone without a word.
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  metrics.connections.inc({ protocol: 'pgwire' });
  metrics.openConnections.inc({ protocol: 'pgwire' });
  const handshake = new Handshake(context, socket);
  const { audit } = context;
  let isIn = false;
  try {
    const client = await handshake.run();
    if (client !== null) {
      const connection = new Connection(context, client);
      isIn = true;
      pending.remove(socket);
      if (handshake.attempt !== null) audit.loggedIn(handshake.attempt);
      await connection.run();
    }
  } catch (error) {
    const flat = flattenError(error, log);
    if (!isIn && handshake.attempt !== null) audit.refused(handshake.attempt, flat.code);
    writeErrorResponse(handshake.output.writer, 'FATAL', flat);
  } finally {
    if (isIn && handshake.attempt !== null) audit.loggedOut(handshake.attempt);
    metrics.openConnections.dec({ protocol: 'pgwire' });
    handshake.output.finish();
  }
}
