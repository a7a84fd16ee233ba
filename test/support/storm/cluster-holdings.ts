/**
 * Databases and tablespaces, which no transaction makes or drops: what is about to happen is committed before, and what
 * has happened behind it, in a table of the database `postgres`.
 */
export interface ClusterHolding {
  readonly kind: 'database' | 'tablespace';
  readonly name: string;
  /** `coming`, `leaving` and `moving`: either side of it may be found. */
  readonly state: 'coming' | 'present' | 'leaving' | 'moving';
  /** Of a database; `pg_default` when it was put nowhere else. */
  readonly tablespace: string;
}

export const HOLDINGS_TABLE = `
  CREATE TABLE holdings (kind text, name text, state text NOT NULL, tablespace text NOT NULL, PRIMARY KEY (kind, name))`;

/** The statement that writes one holding down. */
export function noteHolding({ kind, name, state, tablespace }: ClusterHolding): string {
  return `INSERT INTO holdings VALUES ('${kind}', '${name}', '${state}', '${tablespace}')
    ON CONFLICT (kind, name) DO UPDATE SET state = excluded.state, tablespace = excluded.tablespace`;
}

export const FOUND_HOLDINGS = `
  SELECT 'database' AS kind, datname AS name, spcname AS tablespace, datconnlimit = -2 AS invalid
  FROM pg_database JOIN pg_tablespace AS t ON t.oid = dattablespace
  UNION ALL SELECT 'tablespace', spcname, '', false FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')`;

/** What the catalogs of a copy say. */
export interface FoundHolding extends Pick<ClusterHolding, 'kind' | 'name' | 'tablespace'> {
  /** Of a database whose removal was broken off: nobody can connect to it. */
  readonly invalid: boolean;
}

/** Compares what was written down with what was found, one sentence for each thing that is otherwise. */
export function compareHoldings(
  expected: readonly ClusterHolding[],
  found: readonly FoundHolding[],
): string[] {
  const same = (a: FoundHolding | ClusterHolding, b: FoundHolding | ClusterHolding) =>
    a.kind === b.kind && a.name === b.name;
  const missing = expected
    .filter(({ state }) => state === 'present' || state === 'moving')
    .filter((holding) => !found.some((each) => same(each, holding)))
    .map(({ kind, name }) => `the ${kind} ${name} is missing`);
  const wrong = found.flatMap((each) => {
    const holding = expected.find((other) => same(each, other));
    return holding === undefined
      ? [`the ${each.kind} ${each.name} should not be there`]
      : judge(each, holding);
  });
  return [...missing, ...wrong];
}

function judge({ kind, name, tablespace, invalid }: FoundHolding, holding: ClusterHolding): string[] {
  if (invalid) return holding.state === 'leaving' ? [] : [`the ${kind} ${name} is marked as half dropped`];
  if (kind === 'tablespace' || holding.state === 'moving' || tablespace === holding.tablespace) return [];
  return [`the ${kind} ${name} is in ${tablespace} instead of ${holding.tablespace}`];
}
