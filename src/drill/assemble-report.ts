import type { Check, DrillReport, Phase, Verdict } from '../verify/proof-report.ts';
import type { DrillRequest } from './drill-request.ts';
import type { ChosenTarget } from './drill-target.ts';
import type { Recovered } from './recover.ts';
import { recoveredPoint, type RecoveredPoint } from './recovered-point.ts';
import type { Looked } from './look-at-copy.ts';
import { expectsDamage } from './scenario.ts';

/** Everything a drill found out. */
export interface DrillFacts {
  readonly request: DrillRequest;
  readonly target: ChosenTarget;
  /** Milliseconds since 1970 UTC. */
  readonly began: number;
  readonly phases: readonly Phase[];
  readonly recovered: Recovered;
  /** Undefined where nothing came up. */
  readonly looked: Looked | undefined;
  /** All of the drill. */
  readonly seconds: number;
}

/** Puts the report together, and judges: whether anything failed, and whether what was measured meets the objectives. */
export function assembleReport(facts: DrillFacts): DrillReport {
  const { request, recovered, looked } = facts;
  const application = looked?.application;
  const checks = [
    ...damageChecks(facts),
    ...(looked?.checks ?? []),
    ...(application === undefined ? [] : [application.check]),
  ];
  const verdict = verdictOf(checks);
  const measured = measuredBy(facts);
  return {
    backup: recovered.backup.id,
    level: 'restore',
    verdict,
    began: new Date(facts.began).toISOString(),
    seconds: facts.seconds,
    phases: facts.phases,
    checks,
    reached: looked?.reached ?? null,
    host: looked?.host ?? NOTHING_RAN,
    larderVersion: request.larderVersion,
    scenario: request.scenario,
    repository: request.repository,
    target: facts.target.text,
    remarks: recovered.remarks,
    passedOver: recovered.passedOver,
    ...measured,
    objectives: request.objectives,
    met: verdict !== 'failed' && meets(request.objectives, measured),
    applicationOutput: application?.output ?? null,
  };
}

type Measured = Pick<DrillReport, 'recoverySeconds' | 'recoveredTo' | 'lostSeconds'>;

function measuredBy(facts: DrillFacts): Measured {
  const { looked } = facts;
  if (looked === undefined) return { recoverySeconds: null, recoveredTo: null, lostSeconds: null };
  const { recoveredTo, lostSeconds } = pointOf(facts, looked);
  return {
    recoverySeconds: looked.recoverySeconds,
    recoveredTo: recoveredTo === undefined ? null : new Date(recoveredTo).toISOString(),
    lostSeconds,
  };
}

const NOTHING_RAN: DrillReport['host'] = {
  serverVersion: 'none was run',
  libc: null,
  icu: null,
  confinement: 'account',
};

function pointOf({ target, began, recovered }: DrillFacts, { reached }: Looked): RecoveredPoint {
  const lastCommit = reached?.lastCommit ?? null;
  return recoveredPoint({
    target: target.wanted.target,
    began,
    storedUntil: recovered.storedUntil,
    lastCommit: lastCommit === null ? undefined : Date.parse(lastCommit),
    backupEnd: Date.parse(recovered.backup.endTime),
    isWhole: recovered.recovery.logDamage === undefined,
  });
}

/** What is not known meets nothing. */
function meets(
  { rpoSeconds, rtoSeconds }: DrillReport['objectives'],
  { recoverySeconds, lostSeconds }: Measured,
): boolean {
  if (recoverySeconds === null || lostSeconds === null) return false;
  return recoverySeconds <= rtoSeconds && lostSeconds <= rpoSeconds;
}

/** Of a drill, and not of a backup alone: a damaged log fails it too. */
function verdictOf(checks: readonly Check[]): Verdict {
  if (checks.some(({ result }) => result === 'failed')) return 'failed';
  return checks.some(({ result }) => result === 'excepted') ? 'verified_with_exceptions' : 'verified';
}

/** What the repository holds of damage on the way: the drill may have got around it, and it is there all the same. */
function damageChecks({ request, recovered }: DrillFacts): Check[] {
  const { passedOver, recovery, copy } = recovered;
  const log = recovery.logDamage;
  const checks: Check[] = [];
  if (passedOver.length > 0 || copy === undefined) {
    const failed = copy === undefined || !expectsDamage(request.scenario);
    checks.push({
      name: 'newest_backups',
      result: failed ? 'failed' : 'passed',
      detail: `${passedOver.map(({ backup }) => backup).join(', ')} found damaged${copy === undefined ? ', and no other is left' : '; recovered from an older one'}`,
      findings: passedOver.map(({ code, message, backup }) => ({ code, message: `${backup}: ${message}` })),
      seconds: 0,
    });
  }
  if (log !== undefined) {
    checks.push({
      name: 'transaction_log',
      result: expectsDamage(request.scenario) ? 'passed' : 'failed',
      detail: 'the log is damaged: it was followed as far as it is whole',
      findings: [{ code: log.code, message: log.message }],
      seconds: 0,
    });
  }
  return checks;
}
