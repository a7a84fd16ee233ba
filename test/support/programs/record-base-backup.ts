/**
 * Records what real servers answer to BASE_BACKUP into test/postgres/replication/fixtures/, byte for byte from the Query
 * to ReadyForQuery; only the contents of files above 8 KiB are replaced by zeros, to keep the recordings small.
 *
 *     node test/support/programs/record-base-backup.ts
 */
import { open, mkdir, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { baseBackupCommand } from '../../../src/postgres/replication/base-backup.ts';
import { encodeQuery } from '../../../src/postgres/replication/messages.ts';
import { startServer, type TestServer } from '../postgres-server.ts';

const FIXTURES = join(import.meta.dirname, '../../postgres/replication/fixtures');
const BLOCK = 512;
const READY = Buffer.from('Z\0\0\0\x05I', 'latin1');

/** Collects until the server is ready for a query. */
async function answer(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    pieces.push(piece);
    if (Buffer.concat(pieces.slice(-6)).subarray(-6).equals(READY)) return Buffer.concat(pieces);
  }
  throw new Error('the server hung up');
}

async function recordBaseBackup(server: TestServer): Promise<Buffer> {
  const socket = connect(join(server.socketDirectory, `.s.PGSQL.${String(server.port)}`));
  const parameters = Buffer.from('\0\x03\0\0user\0postgres\0replication\0true\0\0', 'latin1');
  const startup = Buffer.alloc(4 + parameters.length);
  startup.writeInt32BE(startup.length);
  parameters.copy(startup, 4);
  socket.write(startup);
  await answer(socket);
  socket.write(
    encodeQuery(baseBackupCommand({ label: "it's a test", checkpoint: 'fast', incremental: false })),
  );
  const recorded = await answer(socket);
  socket.destroy();
  return recorded;
}

/** Where each archive's bytes lie in the recording, piece by piece. */
function archivePieces(recorded: Buffer): Buffer[][] {
  const archives: Buffer[][] = [];
  let inManifest = false;
  for (let position = 0; position < recorded.length; position += 1 + recorded.readInt32BE(position + 1)) {
    const body = recorded.subarray(position + 5, position + 1 + recorded.readInt32BE(position + 1));
    if (recorded[position] !== 0x64) continue;
    const kind = String.fromCharCode(body[0]!);
    if (kind === 'm') inManifest = true;
    else if (kind === 'n') archives.push([]);
    else if (kind === 'd' && !inManifest) archives.at(-1)!.push(body.subarray(1));
  }
  return archives;
}

/** Zeroes what lies in [start, end) of the pieces together. */
function zero(pieces: readonly Buffer[], start: number, end: number): void {
  let position = 0;
  for (const piece of pieces) {
    const [from, to] = [Math.max(start - position, 0), Math.min(end - position, piece.length)];
    if (from < to) piece.fill(0, from, to);
    position += piece.length;
  }
}

function zeroLargeFiles(pieces: readonly Buffer[]): void {
  const archive = Buffer.concat(pieces);
  for (let position = 0; archive[position] !== 0;) {
    const size = Number.parseInt(archive.toString('latin1', position + 124, position + 135), 8);
    position += BLOCK;
    if (size > 8192) zero(pieces, position, position + size);
    position += Math.ceil(size / BLOCK) * BLOCK;
  }
}

async function keep(name: string, recorded: Buffer): Promise<void> {
  for (const pieces of archivePieces(recorded)) zeroLargeFiles(pieces);
  await writeFile(join(FIXTURES, `${name}.gz`), gzipSync(recorded, { level: 9 }));
}

async function damagePage(server: TestServer, path: string): Promise<void> {
  await server.halt();
  const file = await open(join(server.dataDirectory, path), 'r+');
  await file.write(Buffer.from('damage'), 0, 6, 4000);
  await file.close();
  await server.restart();
}

async function recordMajor(major: 15 | 18): Promise<void> {
  await using server = await startServer({ major, walSegmentSizeMb: 1 });
  await server.query('ALTER DATABASE template1 IS_TEMPLATE false');
  await server.query('DROP DATABASE template1');
  await server.query('ALTER DATABASE template0 IS_TEMPLATE false');
  await server.query('DROP DATABASE template0');
  const location = join(server.socketDirectory, 'space');
  await server.query(`COPY (SELECT 1) TO PROGRAM 'mkdir ${location}'`);
  await server.query(`CREATE TABLESPACE space LOCATION '${location}'`);
  await server.query('CREATE TABLE t TABLESPACE space AS SELECT generate_series(1, 100) AS n');
  await server.query('CHECKPOINT');
  await keep(`base-backup-${String(major)}`, await recordBaseBackup(server));
  if (major !== 18) return;
  const [row] = await server.query("SELECT pg_relation_filepath('t') AS path");
  await damagePage(server, String(row!['path']));
  await keep('base-backup-18-damaged-page', await recordBaseBackup(server));
}

await mkdir(FIXTURES, { recursive: true });
await recordMajor(15);
await recordMajor(18);
