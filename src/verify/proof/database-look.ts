import type { Finding } from '../report.ts';
import { copyFinding, type Answer } from './answer.ts';
import { CopyFailure } from './copy-session.ts';
import type { DatabaseSession, DatabaseSessions } from './database-sessions.ts';
import type { Relation } from './relations.ts';

/** One database of a copy while it is looked at. */
export interface DatabaseLook {
  readonly database: string;
  readonly sessions: DatabaseSessions;
  readonly dataDirectory: string;
  readonly relations: readonly Relation[];
  readonly level: 'restore' | 'full';
  /** Whether a relation, with all that it has to agree with, is as it was when an earlier backup was proven. */
  readonly isUnchanged: (relation: Relation) => boolean;
  /** Tells of a relation that was looked at. */
  readonly seen: (relation: Relation) => void;
}

/** What one check saw of one database. */
export interface Seen {
  readonly counts: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
  readonly exceptions: readonly string[];
}

/** One check of every database. */
export interface DatabaseCheck {
  readonly name: string;
  readonly look: (look: DatabaseLook) => Promise<Seen>;
  /** What was looked at, in words. */
  readonly describe: (counts: Readonly<Record<string, number>>) => string;
}

/** Looks at each relation, some side by side; what one of them says against itself becomes a finding, or an exception. */
export async function lookAtEach(
  { database, sessions, seen }: DatabaseLook,
  relations: readonly Relation[],
  look: (relation: Relation, session: DatabaseSession) => Promise<readonly string[]>,
): Promise<{ findings: Finding[]; exceptions: string[] }> {
  const answers = new Map<Relation, RelationAnswer>();
  await sessions.forEach(relations, async (session, relation) => {
    const answer = await answerOf(() => look(relation, session), { database }, relation);
    answers.set(relation, answer);
    if (answer.isOver) return 'stop';
    seen(relation);
    return 'go on';
  });
  // in the order of the catalog, whichever came first
  const all = relations.flatMap((relation) => answers.get(relation) ?? []);
  return {
    findings: all.flatMap(({ findings }) => findings),
    exceptions: all.flatMap(({ exceptions }) => exceptions),
  };
}

interface RelationAnswer {
  readonly findings: readonly Finding[];
  readonly exceptions: readonly string[];
  /** Nothing more can be asked of the copy. */
  readonly isOver: boolean;
}

async function answerOf(
  look: () => Promise<readonly string[]>,
  place: Pick<DatabaseLook, 'database'>,
  relation: Relation,
): Promise<RelationAnswer> {
  try {
    const findings = (await look()).map((problem) => findingOf(place, relation, problem));
    return { findings, exceptions: [], isOver: false };
  } catch (error) {
    if (!(error instanceof CopyFailure)) throw error;
    const { lacking, message, isOver } = error;
    if (lacking === undefined)
      return { findings: [findingOf(place, relation, message)], exceptions: [], isOver };
    return { findings: [], exceptions: [`${nameOf(place, relation)} was not checked: ${lacking}`], isOver };
  }
}

/** What is wrong with one relation, with where it is. */
export function findingOf(
  place: Pick<DatabaseLook, 'database'>,
  relation: Relation,
  problem: string,
): Finding {
  return copyFinding(`${nameOf(place, relation)}: ${problem}`, relation.file);
}

function nameOf({ database }: Pick<DatabaseLook, 'database'>, relation: Relation): string {
  return `database ${database}, ${kindText(relation)} ${relation.name}`;
}

function kindText({ kind }: Relation): string {
  return KINDS[kind] ?? 'relation';
}

const KINDS: Readonly<Record<string, string>> = {
  r: 'table',
  m: 'materialized view',
  t: 'TOAST table',
  S: 'sequence',
  i: 'index',
};

/** The answers of all databases as one; counts are added up. */
export function mergeSeen(check: DatabaseCheck, all: readonly Seen[]): Answer {
  const counts: Record<string, number> = {};
  for (const seen of all) {
    for (const [name, count] of Object.entries(seen.counts)) counts[name] = (counts[name] ?? 0) + count;
  }
  const databases = all.length === 1 ? '1 database' : `${all.length} databases`;
  return {
    detail: `${check.describe(counts)} in ${databases}`,
    findings: all.flatMap(({ findings }) => findings),
    exceptions: all.flatMap(({ exceptions }) => exceptions),
  };
}
