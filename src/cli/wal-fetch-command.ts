import { Command } from 'commander';
import { resolve } from 'node:path';
import { LarderError } from '../errors.ts';
import { parseLsn, type Lsn } from '../postgres/lsn.ts';
import { readArchiveRecord } from '../repository/wal/archive-record.ts';
import { pathTo } from '../repository/wal/timeline-path.ts';
import { readWalIndex } from '../repository/wal/wal-index.ts';
import { hasPostmaster } from '../restore/fetch/fetch-directory.ts';
import { FetchServer } from '../restore/fetch/fetch-server.ts';
import type { CliParts } from './cli-parts.ts';
import { openForReading } from './repository-option.ts';

/** How often it looks whether the server it serves is still there. */
const LOOK_INTERVAL = 1_000;
/** A server that asks for nothing for so long has ended its recovery. */
const IDLE_LIMIT = 10 * 60_000;

interface FetchOptions {
  readonly serve?: true;
  readonly repository: string;
  readonly system: string;
  readonly timeline: string;
  readonly from: string;
  readonly until: string;
}

/** `larder wal-fetch`: what scripts/larder-wal-fetch starts in the data directory of a restored cluster. */
export function walFetchCommand(parts: CliParts): Command {
  return new Command('wal-fetch')
    .description("give a restored server its WAL; restore_command's other half, not for people")
    .requiredOption('--serve', 'put files into pg_wal/larder_fetch of the current directory')
    .requiredOption('--repository <dir>', 'where the archive is')
    .requiredOption('--system <id>', 'which cluster')
    .requiredOption('--timeline <n>', 'which timeline the recovery follows')
    .requiredOption('--from <lsn>', "the backup's end")
    .requiredOption('--until <lsn>', 'the end of what was stored when the recovery was planned')
    .argument('[file]', 'what PostgreSQL asks for first; it asks again in the directory')
    .argument('[target]', 'where PostgreSQL wants it')
    .addHelpText('after', EXAMPLES)
    .action((_file: string | undefined, _target: string | undefined, options: FetchOptions) =>
      serve(parts, options),
    );
}

const EXAMPLES = `
Examples (written into postgresql.auto.conf by "larder restore"):
  restore_command = 'sh larder_wal_fetch /usr/bin/larder --repository=/backups --system=… --timeline=1 … %f %p'`;

async function serve(parts: CliParts, options: FetchOptions): Promise<void> {
  const { store, location } = await openForReading(parts, { repository: options.repository });
  const archive = await readArchiveRecord(store, options.system);
  if (archive === undefined) {
    throw new LarderError(
      'OBJECT_MISSING',
      `${store.description} has no archive of system ${options.system}`,
    );
  }
  const path = pathTo(await readWalIndex(store, archive), Number(options.timeline));
  const plan = { archive, path, from: position(options.from), until: position(options.until) };
  const { clock, signal, workingDirectory } = parts;
  const dataDirectory = resolve(workingDirectory);
  const stop = new AbortController();
  let asked = clock.monotonic();
  const server = await FetchServer.open({
    store,
    location,
    plan,
    dataDirectory,
    clock,
    onWant: () => (asked = clock.monotonic()),
    onFailure: (error) => parts.stderr.write(`${error.message}\n`),
  });
  const serving = server.run(AbortSignal.any([signal, stop.signal]));
  const watching = (async () => {
    while (!stop.signal.aborted && (await hasPostmaster(dataDirectory))) {
      if (clock.monotonic() - asked > IDLE_LIMIT) break;
      await clock.sleep(LOOK_INTERVAL, stop.signal).catch(() => undefined);
    }
    stop.abort();
  })();
  await serving.finally(() => stop.abort());
  await watching;
}

function position(text: string): Lsn {
  const lsn = parseLsn(text);
  if (lsn !== undefined) return lsn;
  throw new LarderError('USAGE', `${JSON.stringify(text)} is no position`);
}
