import type { Manifest } from '../../repository/manifest/manifest-reader.ts';
import type { FileEntry } from '../../repository/manifest/records.ts';
import { CONTROL_FILE } from '../control-file.ts';
import { directoriesOf } from '../entry-tree.ts';
import type { TargetDirectory } from '../target-directory.ts';
import { FILES_RECORD } from './files-record.ts';
import { readMountPoints } from './mount-points.ts';
import { surveyCopy, type Survey, type Wanted } from './survey.ts';

/** The parts of a restore's plan that say what is wanted where. */
export interface SurveyedPlan {
  readonly manifest: Manifest;
  readonly files: readonly FileEntry[];
  readonly target: TargetDirectory;
  readonly tablespaces: readonly {
    readonly oid: number;
    readonly directory: string;
    readonly linked: boolean;
    readonly target: TargetDirectory | undefined;
  }[];
}

/**
 * Looks at what the targets of a plan hold; `undefined` where none of them holds a copy.
 * @throws LarderError RESTORE_REFUSED
 */
export async function surveyTargets(plan: SurveyedPlan): Promise<Survey | undefined> {
  const roots = copyRoots(plan);
  if (roots.length === 0) return undefined;
  return surveyCopy({
    files: usefulFiles(plan),
    directories: directoriesOf(plan.files, plan.manifest.directories),
    roots,
    links: new Set(plan.tablespaces.filter(({ linked }) => linked).map(({ oid }) => linkOf(oid))),
    apart: new Set([CONTROL_FILE, FILES_RECORD]),
    mountPoints: await readMountPoints(),
  });
}

function copyRoots({ target, tablespaces }: SurveyedPlan): Wanted['roots'] {
  const spaces = tablespaces
    .filter((tablespace) => tablespace.target?.state === 'copy')
    .map(({ oid, directory }) => ({ entry: linkOf(oid), directory }));
  return target.state === 'copy' ? [{ entry: '', directory: target.path }, ...spaces] : spaces;
}

function linkOf(oid: number): string {
  return `pg_tblspc/${oid}`;
}

/**
 * An earlier version of a file is of use where the backup has every byte of the new one. Where it leaves some out, which then
 * are zeros, the file is made anew.
 */
function usefulFiles({ files, manifest }: SurveyedPlan): ReadonlyMap<string, number> {
  const restored = new Set(files);
  const useful = new Map<string, number>();
  for (const [index, file] of manifest.files.entries()) {
    if (!restored.has(file)) continue;
    let bytes = 0;
    for (const { length } of file.extents) bytes += length;
    if (bytes === file.size) useful.set(file.path, index);
  }
  return useful;
}
