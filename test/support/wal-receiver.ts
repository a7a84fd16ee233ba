import { systemClock } from '../../src/clock.ts';
import { LarderError, toLarderError } from '../../src/errors.ts';
import { parseLsn, type Lsn } from '../../src/postgres/lsn.ts';
import { parseConnection } from '../../src/postgres/parse-connection.ts';
import { readProcessIdentity } from '../../src/process-identity.ts';
import { receiveWal } from '../../src/transaction-log/receiver.ts';
import type { ReceiverNotice, ReceiverRequest } from '../../src/transaction-log/receiver-request.ts';
import type { ReceiverStatus } from '../../src/transaction-log/receiver-status.ts';
import type { TestRepository } from './backup-runner.ts';

const MIB = 1024 * 1024;

/** A receiver that runs in this process. */
export interface RunningReceiver {
  /** What it told last; fails when it has ended. */
  status(): ReceiverStatus;
  readonly notices: readonly ReceiverNotice[];
  /** Resolves with how it ended: undefined after `stop`. */
  readonly ended: Promise<LarderError | undefined>;
  /** Waits until everything before `lsn` is in the repository. */
  stored(lsn: Lsn): Promise<void>;
  /** Asks for the end and waits for it. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export type ReceiverChanges = Partial<ReceiverRequest>;

export interface ReceiverPlace {
  connection: string;
  spool: string;
  changes?: ReceiverChanges;
}

/** What a receiver is asked for, with a short tail interval. */
export function requestOf(
  repository: TestRepository,
  { connection, spool, changes = {} }: ReceiverPlace,
): ReceiverRequest {
  return {
    ...repository,
    cluster: 'truck',
    connection: parseConnection(connection, {}),
    compressionLevel: 1,
    spoolDirectory: spool,
    ack: 'spool',
    tailInterval: 200,
    protect: 'primary',
    maxRetained: 1024 * MIB,
    spoolLimit: 256 * MIB,
    ...changes,
  };
}

/** Starts a receiver. */
export function startReceiver(repository: TestRepository, place: ReceiverPlace): RunningReceiver {
  const stop = new AbortController();
  const notices: ReceiverNotice[] = [];
  let status: ReceiverStatus | undefined;
  const running = receiveWal(requestOf(repository, place), {
    clock: systemClock,
    processIdentity: readProcessIdentity(),
    signal: stop.signal,
    onNotice: (notice) => notices.push(notice),
    onStatus: (now) => (status = now),
  });
  const ended = running.then(
    () => undefined,
    (error: unknown) => toLarderError(error),
  );
  const end = async (): Promise<void> => {
    stop.abort(new LarderError('INTERRUPTED', 'the test is over'));
    await ended;
  };
  const current = (): ReceiverStatus => {
    if (status === undefined) throw new Error('it has told nothing yet');
    return status;
  };
  return {
    status: current,
    notices,
    ended,
    stored: async (lsn) => waitForStored(() => status, { lsn, ended, notices }),
    stop: end,
    [Symbol.asyncDispose]: end,
  };
}

const PATIENCE = 60_000;

async function waitForStored(
  status: () => ReceiverStatus | undefined,
  wanted: { lsn: Lsn; ended: Promise<LarderError | undefined>; notices: readonly ReceiverNotice[] },
): Promise<void> {
  const deadline = systemClock.monotonic() + PATIENCE;
  let failure: LarderError | undefined;
  void wanted.ended.then((error) => (failure = error));
  while ((status()?.stored ?? 0n) < wanted.lsn) {
    const told = wanted.notices.map(({ text }) => text).join('\n');
    if (failure !== undefined) throw new Error(`the receiver ended: ${failure.message}\n${told}`);
    if (systemClock.monotonic() > deadline) throw new Error(`not stored in ${PATIENCE} ms\n${told}`);
    await systemClock.sleep(20);
  }
}

/** A position as SQL gives it. */
export function lsnOf(text: unknown): Lsn {
  const lsn = parseLsn(String(text));
  if (lsn === undefined) throw new Error(`${String(text)} is no LSN`);
  return lsn;
}
