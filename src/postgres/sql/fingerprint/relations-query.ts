import { hexOf } from './bytes-of.ts';
import { belonging, digest, FIRST_USER_OID, FLAGS, PAGE } from './catalogue-row.ts';

const COLUMNS = belonging(
  'pg_attribute',
  { to: 'attrelid', when: "relkind IN ('r', 'p', 'm', 'v', 'f')", order: 'attnum' },
  [
    ...['attname', 'atttypid', 'atttypmod', 'attnotnull', 'attisdropped', 'attcollation'],
    ...['attidentity', 'attgenerated'],
  ],
);
const DEFAULTS = belonging(
  'pg_attrdef',
  { to: 'adrelid', when: "relkind IN ('r', 'p', 'v', 'f')", order: 'adnum' },
  ['adnum', 'adbin'],
);
const CONSTRAINTS = belonging(
  'pg_constraint',
  { to: 'conrelid', when: "relkind IN ('r', 'p', 'f')", order: 'oid' },
  ['conname', 'contype', 'conkey', 'confrelid', 'confkey', 'conbin', 'convalidated'],
);
const INDEX = belonging(
  'pg_index',
  { to: 'indexrelid', when: "relkind IN ('i', 'I')", order: 'indexrelid' },
  [
    ...['indrelid', 'indkey', 'indclass', 'indcollation', 'indoption', 'indexprs', 'indpred'],
    ...['indisunique', 'indisvalid'],
  ],
);
const RULES = belonging('pg_rewrite', { to: 'ev_class', when: 'relhasrules', order: 'oid' }, [
  ...['rulename', 'ev_type', 'ev_qual', 'ev_action'],
]);
const SEQUENCE = belonging('pg_sequence', { to: 'seqrelid', when: "relkind = 'S'", order: 'seqrelid' }, [
  'seqtypid',
  'seqstart',
  'seqincrement',
  'seqmax',
  'seqmin',
  'seqcache',
  'seqcycle',
]);
/** Left out of pg_class is what VACUUM and ANALYZE change in place. */
const OWN = [
  ...['relname', 'relnamespace', 'relkind', 'relpersistence', 'relam', 'relnatts', 'reloptions'],
  ...['reltablespace', 'relrowsecurity', 'relpartbound'],
];

/** Every relation of the database but TOAST tables, in pages; of those with rows what is needed to count them. */
export const RELATIONS = `
  SELECT o.oid, relnamespace AS namespace, ${hexOf('relname')} AS name, relkind::text AS kind, ${FLAGS},
    ${digest(...OWN, COLUMNS, DEFAULTS, CONSTRAINTS, INDEX, RULES, SEQUENCE)},
    relkind IN ('r', 'm') AND relpersistence = 'p' AS holds_rows, relfilenode, greatest(relpages, 0) AS pages,
    coalesce(pg_stat_get_live_tuples(o.oid), 0) AS live, coalesce(pg_stat_get_tuples_inserted(o.oid), 0) AS inserted,
    coalesce(pg_stat_get_tuples_updated(o.oid), 0) AS updated, coalesce(pg_stat_get_tuples_deleted(o.oid), 0) AS deleted,
    CASE WHEN relkind NOT IN ('r', 'm') THEN NULL
         WHEN relam <> 2 THEN 'its storage is not that of PostgreSQL itself'
         WHEN NOT (has_table_privilege(o.oid, 'SELECT') AND has_schema_privilege(relnamespace, 'USAGE'))
           THEN 'the role of the backup may not read it'
         WHEN row_security_active(o.oid) THEN 'row security hides rows of it from the role of the backup' END AS refused
  FROM pg_class AS o
  WHERE o.oid > $3::oid AND o.oid >= ${FIRST_USER_OID} AND relkind IN ('r', 'p', 'm', 'v', 'f', 'i', 'I', 'S')
    AND relpersistence <> 't' AND relnamespace <> 'pg_toast'::regnamespace ORDER BY o.oid LIMIT ${PAGE}`;
