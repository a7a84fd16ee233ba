import { unknownOf } from './facts/known.ts';
import { WITHOUT_CONFIGURATION, type Known, type StrategyFacts } from './facts/strategy-facts.ts';
import { objectivesSection } from './sections/objectives.ts';
import { proofsSection } from './sections/proofs.ts';
import { recoverySection } from './sections/recovery.ts';
import { retentionSection } from './sections/retention.ts';
import { runsSection } from './sections/runs.ts';
import { costSection, growthSection, storageSection } from './sections/storage.ts';
import { verdictOf } from './sections/verdict.ts';
import type { StrategyReport } from './strategy-report.ts';

/** The state of the strategy. Pure: the same facts give the same report. */
export function makeReport(facts: StrategyFacts): StrategyReport {
  const proofs = proofsSection(facts);
  const recovery = recoverySection(facts, proofs);
  const storage = storageSection(facts);
  const report = {
    formatVersion: 1,
    made: iso(facts.now),
    larderVersion: facts.larderVersion,
    cluster: facts.cluster ?? null,
    repository: facts.repository,
    periodSeconds: facts.period / 1000,
    recovery,
    objectives: objectivesSection(facts, recovery, proofs),
    proofs,
    runs: runsSection(facts),
    storage,
    growth: growthSection(facts),
    cost: costSection(facts, storage),
    retention: retentionSection(facts, recovery),
    schedule: scheduleSection(facts),
    unknown: unknownParts(facts),
  } as const;
  return { ...report, verdict: verdictOf(report, facts) };
}

function scheduleSection({ wanted }: StrategyFacts): StrategyReport['schedule'] {
  if (wanted === undefined || 'unknown' in wanted.schedules) return null;
  return wanted.schedules.value.map(({ task, when, next }) => ({
    task,
    when,
    next: next === undefined ? null : iso(next),
  }));
}

/** Everything that was asked for and could not be read; each file by itself. */
function unknownParts(facts: StrategyFacts): { what: string; why: string }[] {
  const parts: readonly (readonly [string, Known<unknown>])[] = [
    ['the record of the repository', facts.record],
    ['the backups', facts.catalogue],
    ['the transaction log', facts.log],
    ['what retention decides by', facts.retention],
    ['the sizes of what is stored', facts.stored],
    ["the size of the repository's file system", facts.capacity],
    ['the receiver', facts.receiver],
    ['when what runs next', facts.wanted?.schedules ?? { value: [] }],
    ['the history of runs', facts.runs],
    ['restore tests, as the repository has them', facts.proofs],
    ['restore tests and drills, as the evidence has them', facts.evidence],
  ];
  const files = [facts.proofs, facts.evidence].flatMap((fact) =>
    'value' in fact ? fact.value.unreadable : [],
  );
  return [
    ...parts.flatMap(([what, fact]) => {
      const why = unknownOf(fact);
      return why === undefined || why === WITHOUT_CONFIGURATION ? [] : [{ what, why }];
    }),
    ...(facts.wanted === undefined
      ? [{ what: 'objectives, policy, schedules, runs, drills and receiver', why: WITHOUT_CONFIGURATION }]
      : []),
    ...files.map(({ name, problem }) => ({ what: name, why: problem })),
  ];
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
