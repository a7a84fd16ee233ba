import type { RunListener } from '../scheduler/run-events.ts';
import type { RunRecord } from '../scheduler/run-record.ts';
import type { AuditAction } from './audit-record.ts';
import type { AuditTrail } from './audit-trail.ts';

/** Writes every run that ends into the audit trail. */
export class AuditedRuns implements RunListener {
  readonly #trail: AuditTrail;
  readonly #actor: string;
  readonly #failed: (error: unknown) => void;
  #writing: Promise<unknown> = Promise.resolve();

  /**
   * @param actor of runs of a command; others name who asked for them, those of the schedule are its own
   * @param failed is told when the trail cannot be written: the run is not undone by that
   */
  constructor(trail: AuditTrail, actor: string, failed: (error: unknown) => void) {
    this.#trail = trail;
    this.#actor = actor;
    this.#failed = failed;
  }

  readonly ended = (run: RunRecord): void => {
    this.#writing = this.#writing.then(() => this.#add(run)).catch(this.#failed);
  };

  /** Resolves when everything that ended is written, or could not be. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #add(run: RunRecord): Promise<void> {
    const { id, cluster, task, reason, requestedBy, result = null, errorCode: error = null } = run;
    await this.#trail.add({
      actor: reason === 'manual' ? this.#actor : (requestedBy ?? 'schedule'),
      action: actionOf(run),
      subject: run.backupId ?? cluster,
      details: { run: id, cluster, task, reason, result, error },
    });
  }
}

function actionOf({ task }: RunRecord): AuditAction {
  return task.startsWith('backup_') ? 'backup' : 'run';
}
