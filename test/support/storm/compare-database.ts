import type { Expectation } from './expectation.ts';
import type { Holding, Ledger } from './ledger.ts';
import { MOST_NUMBERS } from './content-operations.ts';

/** A sequence writes 32 numbers ahead to the WAL, and a batch that was not committed may have taken some too. */
const SEQUENCE_AHEAD = 32 + MOST_NUMBERS;

/** One database of a copy. */
export interface FoundDatabase {
  readonly database: string;
  /** The numbers of its history. */
  readonly history: { readonly first: number; readonly last: number; readonly count: number };
  /** What its own ledger says. */
  readonly ledger: Ledger;
  /** What it holds. */
  readonly present: Ledger;
}

/**
 * Compares one database of a copy with what was noted beside it: that it stands behind a batch that a backup may end
 * with, that its ledger is the one of that batch, and that it holds what the ledger says. One sentence for each thing that
 * is otherwise.
 */
export function compareDatabase(found: FoundDatabase, expectation: Expectation): string[] {
  const { database, history } = found;
  const batch = history.last;
  const outside = outOfBounds(database, batch, expectation);
  const expected = expectation.journals.get(database)?.at(batch);
  const findings = [
    ...outside,
    ...(history.count === batch && (batch === 0 || history.first === 1)
      ? []
      : [`its history of ${batch} batches has ${history.count}, from ${history.first} on`]),
    ...(expected === undefined ? [`nothing is known of batch ${batch}`] : []),
    ...ledgerDifferences(expected ?? found.ledger, found.ledger),
    ...contentDifferences(expected ?? found.ledger, found.present),
  ];
  return findings.map((finding) => `${database}, which stands at batch ${batch}: ${finding}`);
}

function outOfBounds(database: string, batch: number, { before, after }: Expectation): string[] {
  const least = before.get(database)?.committed ?? 0;
  const most = after.get(database)?.begun;
  if (most === undefined) return ['it was made after the backup ended'];
  if (batch < least) return [`batch ${least} was committed before the backup began`];
  return batch > most ? [`batch ${batch} was begun after the backup ended, which had seen ${most}`] : [];
}

function ledgerDifferences(expected: Ledger, found: Ledger): string[] {
  return namesOf(expected, found)
    .filter((name) => describe(expected.get(name)) !== describe(found.get(name)))
    .map(
      (name) =>
        `its ledger says of ${name}: ${describe(found.get(name))}; it was ${describe(expected.get(name))}`,
    );
}

function contentDifferences(expected: Ledger, present: Ledger): string[] {
  return namesOf(expected, present).flatMap((name) => {
    const [should, is] = [afterRestore(expected.get(name)), present.get(name)];
    if (should?.kind === 'sequence' && is !== undefined) return sequenceDifference(should, is);
    return describe(should) === describe(is)
      ? []
      : [`${name} holds ${describe(is)} instead of ${describe(should)}`];
  });
}

function sequenceDifference(should: Holding, is: Holding): string[] {
  const ahead = Number(is.rows) - Number(should.rows);
  if (ahead >= 0 && ahead <= SEQUENCE_AHEAD) return [];
  return [`${should.name} is at ${is.rows}, and was at ${should.rows}`];
}

/** Unlogged tables come back empty. */
function afterRestore(holding: Holding | undefined): Holding | undefined {
  return holding?.persistence === 'u' ? { ...holding, rows: '0', hash: '0' } : holding;
}

function namesOf(...ledgers: readonly Ledger[]): string[] {
  return [...new Set(ledgers.flatMap((ledger) => [...ledger.keys()]))].sort();
}

function describe(holding: Holding | undefined): string {
  if (holding === undefined) return 'nothing';
  const { kind, persistence, tablespace, rows, hash } = holding;
  const place = tablespace === '' ? '' : ` in ${tablespace}`;
  return `${rows} rows with the hash ${hash} (${kind}${persistence === 'u' ? ', unlogged' : ''}${place})`;
}
