import { connect } from 'node:net';

/** What a server told at login, and where it was reached. */
export interface CancelTarget {
  readonly host: string;
  readonly port: number;
  readonly processId: number;
  readonly secretKey: number;
}

/**
 * Asks a server to cancel what one of its processes does (protocol.sgml, CancelRequest). A walsender that waits for
 * something notices a closed socket only at its next write; this reaches it at once. Fire and forget: the server answers
 * nothing, and a failure to reach it changes nothing.
 */
export function sendCancelRequest(target: CancelTarget): void {
  const request = Buffer.alloc(16);
  request.writeInt32BE(16, 0);
  request.writeInt32BE(80877102, 4);
  request.writeInt32BE(target.processId, 8);
  request.writeInt32BE(target.secretKey, 12);
  const socket = target.host.startsWith('/')
    ? connect(`${target.host}/.s.PGSQL.${target.port}`)
    : connect(target.port, target.host);
  socket.setTimeout(5000, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.end(request);
}
