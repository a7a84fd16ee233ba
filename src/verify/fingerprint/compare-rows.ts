import type { TableLook } from '../../postgres/sql/fingerprint/look.ts';
import type {
  CountedRows,
  EstimatedRows,
  RowExpectation,
} from '../../repository/fingerprint/schema-fingerprint.ts';
import { counted, type AnswerBuilder } from './answer.ts';
import type { DatabasePair } from './database-pair.ts';
import { MOST_ESTIMATED } from './inspect-copy.ts';

/** What was compared, of all databases. */
export class RowTally {
  #tables = 0;
  #exact = 0;
  #estimated = 0;
  /** Tables of which nothing is known, by the reason. */
  readonly #unknown = new Map<string, { readonly first: string; count: number }>();

  table(rows: RowExpectation): void {
    this.#tables += 1;
    if (rows.kind === 'counted' && rows.least === rows.most) this.#exact += 1;
    if (rows.kind === 'estimated') this.#estimated += 1;
  }

  unknown(table: string, why: string): void {
    const known = this.#unknown.get(why) ?? { first: table, count: 0 };
    known.count += 1;
    this.#unknown.set(why, known);
  }

  /** A sentence for each reason: a role that may read no table would give thousands otherwise. */
  tellUnknown(answer: AnswerBuilder): void {
    for (const [why, { first, count }] of this.#unknown)
      answer.exception(
        count === 1
          ? `nobody knows how many rows ${first} has to hold: ${why}`
          : `nobody knows how many rows ${count} tables have to hold, ${first} among them: ${why}`,
      );
  }

  get detail(): string {
    const notes = [
      `${this.#exact} with the exact number of rows`,
      ...(this.#estimated === 0 ? [] : [`${this.#estimated} by the server's statistics`]),
    ];
    return `${counted(this.#tables, 'table')}, ${notes.join(', ')}`;
  }
}

/** Every table that was there all the time holds as many rows as it can have held at the end of the backup. */
export function compareRows({ expected, found }: DatabasePair, tally: RowTally, answer: AnswerBuilder): void {
  const tables = new Map(
    found.objects.flatMap(({ oid, rows }) => (rows === undefined ? [] : [[oid, rows] as const])),
  );
  for (const { oid, schema, name, rows } of expected.objects) {
    if (rows === undefined) continue;
    const copy = tables.get(oid);
    // a table that is not there is told of with the schema
    if (copy === undefined) continue;
    tally.table(rows);
    compareTable(`${expected.name}.${schema}.${name}`, { rows, copy }, { tally, answer });
  }
}

function compareTable(
  table: string,
  { rows, copy }: { readonly rows: RowExpectation; readonly copy: TableLook },
  { tally, answer }: { readonly tally: RowTally; readonly answer: AnswerBuilder },
): void {
  if (rows.kind === 'unknown') return tally.unknown(table, rows.why);
  if (typeof copy.counted === 'string')
    return answer.exception(`table ${table} of the copy could not be counted: ${copy.counted}`);
  if (rows.kind === 'estimated') return compareEstimate(table, rows, { held: copy.counted.rows, answer });
  const { settled, rows: held } = copy.counted;
  const problem = outOfBounds(rows, settled);
  if (problem !== undefined) answer.finding(`table ${table} ${problem}`);
  else if (rows.least === 0 && held === 0 && (rows.before ?? 0) > 0 && rows.after > 0)
    answer.exception(
      `table ${table} holds no rows in the copy; it had ${rows.before ?? 0} before the backup and ${rows.after} after it, all of them written meanwhile`,
    );
}

function outOfBounds({ least, most }: CountedRows, settled: number): string | undefined {
  const were =
    least === most ? `exactly ${least}` : most === null ? `at least ${least}` : `${least} to ${most}`;
  if (settled >= least && settled <= (most ?? Number.POSITIVE_INFINITY)) return undefined;
  return `holds ${counted(settled, 'row')} from before the backup in the copy, and must hold ${were}`;
}

/** The server's statistics may lag behind, so they prove something wrong only where nothing can have changed. */
function compareEstimate(
  table: string,
  { least, certain, why }: EstimatedRows,
  { held, answer }: { readonly held: number; readonly answer: AnswerBuilder },
): void {
  // the copy was counted no further than this
  if (held >= Math.min(least, MOST_ESTIMATED)) return;
  const sentence = `table ${table} holds ${counted(held, 'row')} in the copy; by its source's statistics it had at least ${least}`;
  if (certain) answer.finding(sentence);
  else answer.exception(`${sentence}; it was not counted then: ${why}`);
}
