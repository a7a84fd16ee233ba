import { knowsBackup, readKnownCatalogue, type ClusterParts } from './cluster-parts.ts';
import { LarderError } from './errors.ts';
import type { ApiSource, RunView } from './http/api/read-routes.ts';
import type { RunHistory } from './scheduler/history.ts';
import type { RunRecord } from './scheduler/run-record.ts';

/** What the API answers from: the repositories themselves, and the run history. */
export function apiSource({
  clusters: parts,
  history,
  state,
}: {
  readonly clusters: readonly ClusterParts[];
  readonly history: RunHistory;
  readonly state: { health(): object };
}): ApiSource {
  const clusters = new Map(parts.map((each) => [each.config.name, each]));
  return {
    clusters: [...clusters.keys()],
    backups: async (name) => {
      const found = clusters.get(name);
      if (found === undefined) throw new LarderError('USAGE', `there is no cluster ${name}`);
      return (await readKnownCatalogue(found, await knowsBackup(history, name))).backups;
    },
    runs: async () => (await history.runs()).map(runView),
    status: () => state.health(),
  };
}

function runView(run: RunRecord): RunView {
  return {
    id: run.id,
    cluster: run.cluster,
    task: run.task,
    reason: run.reason,
    started: new Date(run.started).toISOString(),
    ended: run.ended === undefined ? null : new Date(run.ended).toISOString(),
    result: run.result ?? null,
    errorCode: run.errorCode ?? null,
    errorMessage: run.errorMessage ?? null,
    hint: run.hint ?? null,
    backupId: run.backupId ?? null,
    durationSeconds: run.durationSeconds ?? null,
  };
}
