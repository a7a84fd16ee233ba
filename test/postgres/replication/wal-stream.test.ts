import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Lsn } from '../../../src/postgres/lsn.ts';
import { MessageReader } from '../../../src/postgres/replication/messages.ts';
import { WalStreamReader, type ServerPosition } from '../../../src/postgres/replication/wal-stream.ts';
import { chunkSizes, pushChunks } from '../../support/chunks.ts';
import {
  commandComplete,
  copyData,
  copyDone,
  dataRow,
  readyForQuery,
  report,
  rowDescription,
  serverMessage,
} from '../../support/server-messages.ts';

const copyBoth = serverMessage('W', '\0\0\0');

function walData(start: Lsn, serverEnd: Lsn, bytes: Uint8Array): Buffer {
  const header = Buffer.alloc(25, 0x77);
  header.writeBigUInt64BE(start, 1);
  header.writeBigUInt64BE(serverEnd, 9);
  return copyData(Buffer.concat([header, bytes]));
}

function keepalive(end: Lsn, replyRequested: boolean): Buffer {
  const body = Buffer.alloc(18, 0x6b);
  body.writeBigUInt64BE(end, 1);
  body.writeUInt8(replyRequested ? 1 : 0, 17);
  return copyData(body);
}

interface Seen {
  reader: WalStreamReader;
  bytes: Buffer;
  positions: Lsn[];
  heard: ServerPosition[];
  answers: number;
}

function readAll(start: Lsn, messages: readonly Buffer[], sizes: readonly number[] = [64]): Seen {
  const parts: Buffer[] = [];
  const positions: Lsn[] = [];
  const heard: ServerPosition[] = [];
  let answers = 0;
  const sink = {
    wal: (position: Lsn, buffer: Buffer, from: number, to: number) => {
      positions.push(position);
      parts.push(Buffer.from(buffer.subarray(from, to)));
    },
    heard: (server: ServerPosition) => heard.push(server),
  };
  const reader = new WalStreamReader(start, sink, () => answers++);
  const messagesOf = new MessageReader(reader);
  pushChunks(Buffer.concat(messages), sizes, (buffer, from, to) => messagesOf.push(buffer, from, to));
  return { reader, bytes: Buffer.concat(parts), positions, heard, answers };
}

describe('a stream of WAL', () => {
  test('gives every byte once, in order, with its position, however it is cut', () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 3000 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(pieces, chunkSizes, fc.bigInt(0n, 1n << 60n), (contents, sizes, start) => {
        let position = start;
        const messages = [copyBoth];
        for (const content of contents) {
          messages.push(walData(position, position + 7n, content), keepalive(position, false));
          position += BigInt(content.length);
        }
        const seen = readAll(start, messages, sizes);
        expect(seen.bytes).toEqual(Buffer.concat(contents));
        expect(seen.heard).toHaveLength(contents.length * 2);
        let expected = start;
        for (const [index, at] of seen.positions.entries()) {
          if (index === 0) expect(at).toBe(start);
          expect(at).toBeGreaterThanOrEqual(expected);
          expected = at;
        }
      }),
    );
  });

  test('that leaves bytes out is refused', () => {
    const gap = [copyBoth, walData(100n, 200n, Buffer.alloc(10)), walData(111n, 200n, Buffer.alloc(10))];
    expect(() => readAll(100n, gap)).toThrow(/where 0\/6E was expected/);
  });

  test('of a kind that nobody knows is refused', () => {
    expect(() => readAll(0n, [copyBoth, copyData('q')])).toThrow(/unknown kind/);
    expect(() => readAll(0n, [copyBoth, copyData('k123')])).toThrow(/shorter than its kind/);
  });

  test('says when the server wants an answer', () => {
    const { heard } = readAll(0n, [copyBoth, keepalive(5n, true), keepalive(6n, false)]);
    expect(heard).toEqual([
      { kind: 'keepalive', end: 5n, replyRequested: true },
      { kind: 'keepalive', end: 6n, replyRequested: false },
    ]);
  });

  test('ends with the timeline, and says which one comes next', () => {
    const { reader, answers } = readAll(0n, [
      copyBoth,
      copyDone,
      rowDescription,
      dataRow(['12', '1/2A']),
      commandComplete('START_STREAMING'),
      readyForQuery,
    ]);
    expect(answers).toBe(1);
    expect(reader.next).toEqual({ timeline: 12, position: 0x1_0000_002an });
    expect(reader.serverStopping).toBe(false);
  });

  test('ends at once where the timeline ended before', () => {
    const { reader, answers } = readAll(0n, [
      rowDescription,
      dataRow(['2', '0/64']),
      commandComplete('START_STREAMING'),
      readyForQuery,
    ]);
    expect(answers).toBe(0);
    expect(reader.next).toEqual({ timeline: 2, position: 100n });
  });

  test('ends without CopyDone when the server shuts down', () => {
    expect(readAll(0n, [copyBoth, commandComplete('COPY 0')]).reader.serverStopping).toBe(true);
  });

  test('keeps what the server refused with', () => {
    const error = report('E', { S: 'ERROR', V: 'ERROR', C: '58P01', M: 'requested WAL segment is gone' });
    const { reader } = readAll(0n, [copyBoth, error, readyForQuery]);
    expect(reader.error).toMatchObject({ code: '58P01' });
  });
});
