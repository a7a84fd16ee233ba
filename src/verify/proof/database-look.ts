import type { Finding } from '../report.ts';
import type { Amcheck } from './amcheck.ts';
import { copyFinding, type Answer } from './answer.ts';
import { CopyFailure, type CopySession } from './copy-session.ts';
import type { Relation } from './relations.ts';

/** One database of a copy while it is looked at. */
export interface DatabaseLook {
  readonly database: string;
  readonly session: CopySession;
  readonly dataDirectory: string;
  readonly relations: readonly Relation[];
  readonly amcheck: Amcheck | string;
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

/** Looks at relation after relation; what one of them says against itself becomes a finding, or an exception. */
export async function lookAtEach(
  { database, seen }: DatabaseLook,
  relations: readonly Relation[],
  look: (relation: Relation) => Promise<readonly string[]>,
): Promise<{ findings: Finding[]; exceptions: string[] }> {
  const findings: Finding[] = [];
  const exceptions: string[] = [];
  for (const relation of relations) {
    const where = `database ${database}, ${kindText(relation)} ${relation.name}`;
    try {
      for (const problem of await look(relation))
        findings.push(copyFinding(`${where}: ${problem}`, relation.file));
    } catch (error) {
      if (!(error instanceof CopyFailure)) throw error;
      if (error.lacking === undefined)
        findings.push(copyFinding(`${where}: ${error.message}`, relation.file));
      else exceptions.push(`${where} was not checked: ${error.lacking}`);
      if (error.isOver) break;
    }
    seen(relation);
  }
  return { findings, exceptions };
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
