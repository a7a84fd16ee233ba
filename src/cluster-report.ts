import type { Clock } from './clock.ts';
import { schedulesOf } from './cluster-limits.ts';
import type { ClusterParts } from './cluster-parts.ts';
import { readReceiver } from './cluster-receiver.ts';
import type { ClusterConfig, Config } from './config/config.ts';
import { readEvidenceFacts } from './report/facts/read-evidence.ts';
import { known } from './report/facts/known.ts';
import { readRepositoryFacts } from './report/facts/read-repository.ts';
import {
  WITHOUT_CONFIGURATION,
  type ReceiverFact,
  type ScheduleFact,
} from './report/facts/strategy-facts.ts';
import type { StrategyFacts, WantedFacts } from './report/facts/strategy-facts.ts';
import { makeReport } from './report/make-report.ts';
import type { ProofRecords } from './report/record-proof.ts';
import type { StrategyReport } from './report/strategy-report.ts';
import type { History } from './scheduler/history.ts';
import { Pauses } from './scheduler/pauses.ts';
import type { RunRecord } from './scheduler/run-record.ts';
import { viewSchedules, type TaskSchedule } from './scheduler/schedule-view.ts';

export interface ReportContext {
  readonly larderVersion: string;
  /** How far back failures, worst values and growth are looked at, milliseconds. */
  readonly period: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The state of a configured cluster's strategy. `openHistory` may throw: then the runs are not known. */
export async function reportCluster(
  { config, store, location }: ClusterParts,
  service: Pick<Config, 'report' | 'stateDirectory'> & { readonly openHistory: () => Promise<History> },
  context: ReportContext,
): Promise<StrategyReport> {
  const { clock, signal } = context;
  const { name } = config;
  const own = async (): Promise<RunRecord[]> =>
    (await (await service.openHistory()).runs()).filter(({ cluster }) => cluster === name);
  const runs = await known(own, signal);
  const schedules = await known(
    () => readSchedules(config, 'value' in runs ? runs.value : [], { ...service, now: clock.now() }),
    signal,
  );
  return makeReport({
    ...(await factsOf({ store, location }, context)),
    cluster: name,
    wanted: wantedOf(config, service.report, schedules),
    receiver: await known(() => receiverOf(service.stateDirectory, name, clock), signal),
    runs,
    evidence: await known(() => readEvidenceFacts(service.report.directory), signal),
  });
}

/** The same of a repository alone: nobody says what is wanted, and what was run is not known. */
export async function reportRepository(
  repository: StoredIn,
  context: ReportContext,
): Promise<StrategyReport> {
  const unknown = { unknown: WITHOUT_CONFIGURATION };
  return makeReport({
    ...(await factsOf(repository, context)),
    cluster: undefined,
    wanted: undefined,
    receiver: unknown,
    runs: unknown,
    evidence: unknown,
  });
}

type StoredIn = Pick<ClusterParts, 'store' | 'location'>;
type CommonFacts = Omit<StrategyFacts, 'cluster' | 'wanted' | 'receiver' | 'runs' | 'evidence'>;

async function factsOf(
  repository: StoredIn,
  { larderVersion, period, clock, signal }: ReportContext,
): Promise<CommonFacts> {
  const now = clock.now();
  const stored = await readRepositoryFacts(repository, now, signal);
  return { now, larderVersion, repository: repository.store.description, period, ...stored };
}

function wantedOf(
  { objectives, retention, transactionLog }: ClusterConfig,
  { pricePerGbMonth }: Config['report'],
  schedules: WantedFacts['schedules'],
): WantedFacts {
  return {
    ...objectives,
    policy: retention,
    receives: transactionLog.receive,
    price: pricePerGbMonth,
    schedules,
  };
}

async function readSchedules(
  config: ClusterConfig,
  runs: readonly RunRecord[],
  { stateDirectory, now }: { readonly stateDirectory: string; readonly now: number },
): Promise<ScheduleFact[]> {
  const pauses = (await new Pauses(stateDirectory).read(now)).filter(
    ({ cluster }) => cluster === config.name,
  );
  const { blackouts, verifyAfterBackup } = config.schedules;
  const tasks = viewSchedules({ now, schedules: schedulesOf(config), blackouts, pauses, runs });
  const verify = { task: 'verify', when: 'after each backup', next: undefined };
  return [...tasks.map(scheduleFact), ...(verifyAfterBackup ? [verify] : [])];
}

function scheduleFact({ task, schedule, next, pause }: TaskSchedule): ScheduleFact {
  const when = `${schedule.pattern} ${schedule.zone}`;
  return { task, when: pause === undefined ? when : `${when}, PAUSED by ${pause.by}: ${pause.reason}`, next };
}

async function receiverOf(
  stateDirectory: string,
  cluster: string,
  clock: Clock,
): Promise<ReceiverFact | undefined> {
  const status = await readReceiver(stateDirectory, cluster, clock);
  if (status === undefined) return undefined;
  const { state, problem, updated, unprotectedSince } = status;
  return {
    state,
    problem: problem ?? undefined,
    updated: Date.parse(updated),
    unprotectedSince: unprotectedSince === null ? undefined : Date.parse(unprotectedSince),
  };
}

/** Where the records of the cluster's restore tests and drills go. `actor`: as the audit trail names it. */
export function proofRecords(
  { report, stateDirectory }: Pick<Config, 'report' | 'stateDirectory'>,
  cluster: string,
  { actor, clock }: { readonly actor: string; readonly clock: Clock },
): ProofRecords {
  const { results, directory } = report;
  return { cluster, results, directory, stateDirectory, actor, clock };
}
