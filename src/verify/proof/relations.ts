import type { CopySession } from './copy-session.ts';

/** A relation of a database that has storage of its own. */
export interface Relation {
  readonly oid: number;
  /** `schema.name`, quoted where it has to be. */
  readonly name: string;
  /** `pg_class.relkind`: r table, m materialized view, t TOAST, S sequence, i index. */
  readonly kind: string;
  /** `heap`, `btree`, …; undefined for what has none. */
  readonly method: string | undefined;
  /** Of the table an index is of; its own for everything else. */
  readonly table: string;
  /** Relative to the data directory. */
  readonly file: string;
  /** Of what it has to agree with: the table of an index, the TOAST table of a table. */
  readonly otherFile: string | undefined;
  /** As the file system has it. */
  readonly bytes: number;
  /** Of an index: whether it is complete and used. */
  readonly valid: boolean;
  /** Of an index: whether it sorts by a collation of which this host has another version. */
  readonly otherCollation: boolean;
}

const RELATIONS = `
  SELECT c.oid::int8 AS oid, format('%I.%I', n.nspname, c.relname) AS name, c.relkind::text AS kind, a.amname::text AS method,
         coalesce((SELECT format('%I.%I', tn.nspname, t.relname) FROM pg_class AS t JOIN pg_namespace AS tn ON tn.oid = t.relnamespace
                   WHERE t.oid = i.indrelid), format('%I.%I', n.nspname, c.relname)) AS table,
         pg_relation_filepath(c.oid)::text AS file,
         pg_relation_filepath(coalesce(i.indrelid, nullif(c.reltoastrelid, 0)))::text AS other_file, pg_relation_size(c.oid)::int8 AS bytes,
         coalesce(i.indisvalid AND i.indisready AND i.indislive, true) AS valid,
         EXISTS (SELECT FROM unnest(i.indcollation) AS used JOIN pg_collation AS l ON l.oid = used
                 WHERE CASE WHEN l.oid = 100 THEN $1 ELSE coalesce(l.collversion <> pg_collation_actual_version(l.oid), false) END
         ) AS other
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
       LEFT JOIN pg_am AS a ON a.oid = c.relam LEFT JOIN pg_index AS i ON i.indexrelid = c.oid
  WHERE c.relkind IN ('r', 'm', 't', 'S', 'i') AND c.relpersistence <> 't' AND pg_relation_filepath(c.oid) IS NOT NULL
  ORDER BY c.oid`;

/**
 * Every relation of the database that has a file, but the temporary ones, which no backup holds.
 * @param otherCollation whether the database's own collation has another version here
 */
export async function readRelations(session: CopySession, otherCollation: boolean): Promise<Relation[]> {
  const rows = await session.query(RELATIONS, [otherCollation]);
  return rows.map((row) => ({
    oid: Number(row['oid']),
    name: String(row['name']),
    kind: String(row['kind']),
    method: typeof row['method'] === 'string' ? row['method'] : undefined,
    table: String(row['table']),
    file: String(row['file']),
    otherFile: typeof row['other_file'] === 'string' ? row['other_file'] : undefined,
    bytes: Number(row['bytes']),
    valid: row['valid'] === true,
    otherCollation: row['other'] === true,
  }));
}
