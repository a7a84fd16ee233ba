import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { LarderError } from '../../../src/errors.ts';
import { BulkQuery, type Room } from '../../../src/postgres/replication/bulk-query.ts';
import { encodeQuery, type MessageSink } from '../../../src/postgres/replication/messages.ts';
import { SocketRouter } from '../../../src/postgres/replication/socket-router.ts';
import { commandComplete, copyData, readyForQuery, serverMessage } from '../../support/server-messages.ts';
import { socketPair, type SocketPair } from '../../support/socket-pair.ts';
import { until } from '../../support/until.ts';

const MIB = 1024 * 1024;
let pair: SocketPair;
let router: SocketRouter;
let ofPg: string;

beforeEach(async () => {
  router = new SocketRouter();
  pair = await socketPair(router.createSocket());
  ofPg = '';
  // as pg does, which is what keeps the socket flowing
  pair.client.on('data', (bytes) => (ofPg += String(bytes)));
});

afterEach(() => pair[Symbol.dispose]());

function sink(more: Partial<MessageSink> = {}): MessageSink {
  const nothing = (): void => undefined;
  return { copyStart: nothing, copyBytes: nothing, copyEnd: nothing, message: nothing, ...more };
}

function run(
  into: MessageSink,
  room: Room = () => undefined,
  signal = new AbortController().signal,
): Promise<void> {
  return new BulkQuery(pair.client, router, into, room).run('BASE_BACKUP', signal);
}

describe('a bulk query', () => {
  test('sends its command, gives out the answer, and leaves the socket to pg', async () => {
    const seen: string[] = [];
    const running = run(
      sink({
        copyStart: (length) => seen.push(`copy of ${String(length)}`),
        copyBytes: (buffer, start, end) => seen.push(buffer.toString('utf8', start, end)),
        copyEnd: () => seen.push('end'),
        message: (type) => seen.push(type),
      }),
    );
    const [query] = (await once(pair.server, 'data')) as [Buffer];
    expect(query).toEqual(encodeQuery('BASE_BACKUP'));
    pair.server.write(Buffer.concat([copyData('abc'), commandComplete('x'), readyForQuery]));
    await running;
    expect(seen).toEqual(['copy of 3', 'abc', 'end', 'commandComplete', 'readyForQuery']);
    pair.server.write('for pg');
    await until(() => ofPg === 'for pg');
    expect(pair.client.listenerCount('error')).toBe(0);
  });

  test('does not read while there is no room, however much the server sends', async () => {
    const gate = Promise.withResolvers<undefined>();
    let open = false;
    let bytes = 0;
    const running = run(sink({ copyBytes: (_buffer, start, end) => (bytes += end - start) }), () =>
      open ? undefined : gate.promise,
    );
    const size = 32 * MIB;
    pair.server.write(copyData(Buffer.alloc(size)));
    pair.server.write(readyForQuery);
    await until(() => bytes > 0);
    await delay(100);
    expect(bytes).toBeLessThan(MIB);
    open = true;
    gate.resolve(undefined);
    await running;
    expect(bytes).toBe(size);
  });

  test('leaves the socket reading when there is no room at its end', async () => {
    const never = new Promise<void>(() => undefined);
    const running = run(sink(), () => never);
    pair.server.write(readyForQuery);
    await running;
    pair.server.write('for pg');
    await until(() => ofPg === 'for pg');
  });

  test('ends when the server hangs up, with what happened and what to do', async () => {
    const running = run(sink());
    pair.server.write(copyData('abc').subarray(0, 6));
    pair.server.end();
    await expect(running).rejects.toMatchObject({
      code: 'CONNECTION_LOST',
      message: 'the server closed the connection before the end of its answer',
      hint: expect.stringContaining("server's log"),
    });
  });

  test('ends when the connection is reset', async () => {
    const running = run(sink());
    await once(pair.server, 'data');
    pair.server.resetAndDestroy();
    await expect(running).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
  });

  test('ends with the reason of its signal and closes the connection, also while it waits for room', async () => {
    const stop = new AbortController();
    const never = new Promise<void>(() => undefined);
    const running = run(sink(), () => never, stop.signal);
    pair.server.write(copyData('abc'));
    const reason = new LarderError('INTERRUPTED', 'stop');
    setTimeout(() => stop.abort(reason), 20);
    await expect(running).rejects.toBe(reason);
    expect(pair.client.destroyed).toBe(true);
  });

  test('sends nothing when its signal was already aborted', async () => {
    const reason = new LarderError('INTERRUPTED', 'stop');
    await expect(run(sink(), undefined, AbortSignal.abort(reason))).rejects.toBe(reason);
    pair.client.end();
    let sent = 0;
    for await (const bytes of pair.server) sent += (bytes as Buffer).length;
    expect(sent).toBe(0);
  });

  test('ends with what its sink throws', async () => {
    const failure = new LarderError('REPOSITORY_FULL', 'full');
    const copyBytes = (): never => {
      throw failure;
    };
    const running = run(sink({ copyBytes }));
    pair.server.write(copyData('abc'));
    await expect(running).rejects.toBe(failure);
  });

  test('ends with what its room rejects with', async () => {
    const failure = new LarderError('REPOSITORY_FULL', 'full');
    const running = run(sink(), () => Promise.reject(failure));
    pair.server.write(copyData('abc'));
    await expect(running).rejects.toBe(failure);
  });

  test('ends at a message that no server sends', async () => {
    const running = run(sink());
    pair.server.write(serverMessage('!'));
    await expect(running).rejects.toMatchObject({ code: 'PROTOCOL_VIOLATION' });
    expect(pair.client.destroyed).toBe(true);
  });
});
