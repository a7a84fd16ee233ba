import { valueOf } from '../facts/known.ts';
import type { RunFact, StrategyFacts } from '../facts/strategy-facts.ts';
import type { StrategyReport } from '../strategy-report.ts';

type Runs = NonNullable<StrategyReport['runs']>;

/** A run that was coalesced, skipped, canceled or interrupted is not a failure. */
const FAILURES: readonly string[] = ['failure', 'timeout'];

/** How the runs of the period came out; null where the history cannot be read. */
export function runsSection(facts: StrategyFacts): Runs | null {
  const runs = valueOf(facts.runs);
  if (runs === undefined) return null;
  const begin = facts.now - facts.period;
  const recent = runs.filter(({ started }) => started >= begin);
  const failed = recent.filter(isFailure);
  return {
    tasks: [...Map.groupBy(runs, ({ task }) => task)].map(([task, all]) => describeTask(task, all, begin)),
    failures: failed.toSorted((a, b) => b.started - a.started).map(describeFailure),
    causes: [...Map.groupBy(failed, ({ errorCode, result }) => errorCode ?? result ?? 'UNKNOWN')]
      .map(([code, each]) => ({ code, count: each.length }))
      .sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1)),
  };
}

function describeTask(task: string, runs: readonly RunFact[], begin: number): Runs['tasks'][number] {
  const recent = runs.filter(({ started }) => started >= begin);
  const success = runs.findLast(({ result }) => result === 'success');
  return {
    task,
    succeeded: recent.filter(({ result }) => result === 'success').length,
    failed: recent.filter(isFailure).length,
    lastSuccess: success === undefined ? null : iso(success.ended ?? success.started),
    lastResult: runs.at(-1)?.result ?? null,
  };
}

function describeFailure(run: RunFact): Runs['failures'][number] {
  const { task, started, ended, result, errorCode, errorMessage, hint } = run;
  return {
    time: iso(ended ?? started),
    task,
    result: result ?? 'failure',
    code: errorCode ?? null,
    message: errorMessage ?? null,
    hint: hint ?? null,
  };
}

function isFailure({ result }: RunFact): boolean {
  return result !== undefined && FAILURES.includes(result);
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
