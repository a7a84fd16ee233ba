import type { Measurement } from '../measure.ts';
import { megabytes, spread, table } from '../table.ts';
import { median } from '../targets.ts';
import { CHAIN_LENGTH } from './chain-restores.ts';
import type { IncrementalRuns } from './compare-incrementals.ts';
import { FULL_BACKUPS } from './contender.ts';
import { IN_SERVICE } from './resident.ts';
import type { IncrementalFinding, IncrementalFindings, RestoreFinding } from './measure-incremental.ts';
import { NEW_ORDERS } from './new-orders.ts';

const MEBIBYTE = 1024 * 1024;

/** A table for each part that ran, and what its figures are of. */
export function incrementalTables({ compared, restore }: IncrementalFindings): string[] {
  return [
    ...compared.flatMap((finding) => [contenderTable(finding), remarks(finding)]),
    ...(restore === undefined ? [] : [restoreTable(restore), restoreRemarks(restore)]),
  ];
}

function contenderTable({ serverVersion, contenders }: IncrementalFinding): string {
  const ours = contenders.find(({ name }) => name === 'Larder');
  return table(
    [`Backup after the change, PostgreSQL ${serverVersion}`, 'wall s', 'CPU s', 'peak MiB', 'stored MB'],
    contenders.map((runs) => {
      const isOurs = [ours?.name, FULL_BACKUPS, IN_SERVICE].includes(runs.name);
      const against = runs === ours || runs.name === IN_SERVICE ? undefined : ours?.backups;
      return [
        isOurs ? runs.name : `${runs.name} ${runs.version}`,
        ...measurementCells(runs.backups, against),
        storedCell(runs),
      ];
    }),
  );
}

function storedCell({ added }: IncrementalRuns): string {
  const archived = median(added.map(({ archivedBytes }) => archivedBytes)) ?? 0;
  const part = archived === 0 ? '' : `, of it archived segments ${tenths(archived)}`;
  return `${spread(
    added.map(({ bytes }) => bytes / 1e6),
    1,
  )}${part}`;
}

function remarks(finding: IncrementalFinding): string {
  const { clusterBytes, changes, unchanged, contenders, skipped } = finding;
  const blocks = median(changes.map(({ blockBytes }) => blockBytes)) ?? 0;
  const log = median(changes.map(({ logBytes }) => logBytes)) ?? 0;
  const share = (100 * unchanged.addedBytes) / unchanged.fullBytes;
  const hasArchive = contenders.some(({ added }) => added.some(({ archivedBytes }) => archivedBytes > 0));
  return [
    `A cluster of ${megabytes(clusterBytes)} MB. The change: ${NEW_ORDERS} rows inserted in one transaction; ${tenths(blocks)} MB in blocks of 8 KiB that differ between the data directories before and after (what a base backup sends, without the log); ${(log / 1000).toFixed(1)} kB of log from the start to the stop of our backup.`,
    'Stored: every file of the directory that the backup has to itself, with the log that it carries.',
    ...(hasArchive
      ? [
          "For pgBackRest that directory and, in its archive, the segments from the backup's start to its stop; not what it writes once for all backups (backup.info, backup.history).",
        ]
      : []),
    ...(contenders.some(({ name }) => name === IN_SERVICE)
      ? [
          '"Larder" is the command, from the start of its process to its end; "in its service" a run of a process that runs already and has taken backups before, from its request to its end on record.',
        ]
      : []),
    `Where nothing changed Larder stored ${tenths(unchanged.addedBytes)} MB, ${share.toFixed(2)} % of the full backup's ${megabytes(unchanged.fullBytes)} MB.`,
    ...(skipped.length === 0 ? [] : [`Not there, so skipped: ${skipped.join(', ')}.`]),
  ].join(' ');
}

function restoreTable({ serverVersion, full, tip, delta, deltaOverFull }: RestoreFinding): string {
  const rows = [
    ['the full backup', ...measurementCells(full, undefined)],
    [`the tip: ${CHAIN_LENGTH} incremental backups later`, ...measurementCells(tip, undefined)],
    ['the tip, `--delta`', ...deltaCells(delta)],
    ['the tip, `--delta` over the full backup', ...deltaCells(deltaOverFull)],
  ];
  return table([`Restore of a chain, PostgreSQL ${serverVersion}`, 'wall s', 'CPU s', 'peak MiB'], rows);
}

function deltaCells(runs: readonly Measurement[] | undefined): string[] {
  if (runs === undefined) return ['skipped: restore --delta is not built', '', ''];
  return measurementCells(runs, undefined);
}

function restoreRemarks({ clusterBytes, delta }: RestoreFinding): string {
  const copy =
    delta === undefined
      ? ''
      : ' `--delta` goes over a fresh restore of the backup before the tip, or of the full one, most of which is not in the page cache; its result was compared with a restore into an empty directory.';
  return `A cluster of ${megabytes(clusterBytes)} MB; between two backups of the chain ${NEW_ORDERS} rows were inserted.${copy}`;
}

/** @param ours what to say the wall time against; `undefined` for none */
function measurementCells(
  runs: readonly Measurement[],
  ours: readonly Measurement[] | undefined,
): [string, string, string] {
  const wall = runs.map((run) => run.wallSeconds);
  const mine = median((ours ?? []).map((run) => run.wallSeconds));
  const against = mine === undefined ? '' : `; ours ${(mine / (median(wall) ?? 0)).toFixed(2)} ×`;
  const server = median(runs.map((run) => run.serverCpuSeconds)) ?? 0;
  const cpu = runs.map((run) => run.cpuSeconds);
  const part = server === 0 ? '' : `, of it the server's sessions ${server.toFixed(2)}`;
  const peaks = runs.map((run) => run.peakBytes / MEBIBYTE);
  return [`${spread(wall, 2)}${against}`, `${spread(cpu, 2)}${part}`, spread(peaks, 0)];
}

function tenths(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
