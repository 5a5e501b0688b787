import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { SOCKET_PAYLOAD_BYTES_MAX } from '../limits.ts';
import type { ServerContext } from '../server-context.ts';
import type { Login } from '../session/login.ts';
import { SocketConnection } from './socket-connection.ts';

const SUBPROTOCOL = 'millrace.v1';

/** WebSocket at /ws. A client that names subprotocols must name ours among them. */
export class SocketServer {
  readonly #context: ServerContext;
  readonly #server: WebSocketServer;
  readonly #connections = new Set<SocketConnection>();

  constructor(context: ServerContext) {
    this.#context = context;
    this.#server = new WebSocketServer({
      noServer: true,
      maxPayload: SOCKET_PAYLOAD_BYTES_MAX,
      perMessageDeflate: false,
      handleProtocols: (protocols) => (protocols.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    });
  }

  upgrade(login: Login, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const offered = request.headers['sec-websocket-protocol'];
    if (offered !== undefined && !offered.split(',').some((name) => name.trim() === SUBPROTOCOL)) {
      socket.end(
        `HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\nsubprotocol ${SUBPROTOCOL} is spoken here\n`,
      );
      return;
    }
    // A socket without an operation has no session that would be counted.
    if (this.#connections.size >= this.#context.configuration.config.connectionsMax) {
      socket.end('HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\r\n');
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (client) => {
      const connection = new SocketConnection(this.#context, login, { socket: client, stream: socket });
      this.#connections.add(connection);
      client.on('close', () => this.#connections.delete(connection));
    });
  }

  shutDown(): void {
    for (const connection of this.#connections) connection.shutDown();
  }
}
