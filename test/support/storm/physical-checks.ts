import type { InstanceSession } from '../../../src/postgres/server/instance-session.ts';
import { FOUND_THROUGH_INDEXES } from './storm-table.ts';

/** What amcheck and pg_visibility look at in one database. An error of theirs is a finding too. */
const CHECKS: Readonly<Record<string, string>> = {
  // an index that REINDEX CONCURRENTLY had not finished is not valid, and nobody uses it
  'btree indexes': `
    SELECT 'there are none' AS finding FROM (
      SELECT count(bt_index_parent_check(index => i.indexrelid, heapallindexed => true, rootdescend => true)) AS checked
      FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_am AS a ON a.oid = c.relam
      WHERE a.amname = 'btree' AND c.relkind = 'i' AND i.indisvalid AND i.indisready AND i.indislive) AS all_of_them
    WHERE checked = 0`,
  'heaps and TOAST': `
    SELECT format('%s, block %s, offset %s: %s', c.oid::regclass, h.blkno, h.offnum, h.msg) AS finding
    FROM pg_class AS c CROSS JOIN LATERAL
         verify_heapam(relation => c.oid, on_error_stop => false, check_toast => true, skip => 'none') AS h
    WHERE c.relkind IN ('r', 'm', 't')`,
  'visibility maps': `
    SELECT format('%s, row %s is not visible to all or not frozen, as its map says', c.oid::regclass, v.t_ctid) AS finding
    FROM pg_class AS c CROSS JOIN LATERAL
         (SELECT * FROM pg_check_visible(c.oid) UNION SELECT * FROM pg_check_frozen(c.oid)) AS v
    WHERE c.relkind IN ('r', 'm', 't')`,
  'every row': `
    SELECT format('%s has no rows to count', c.oid::regclass) AS finding
    FROM pg_class AS c CROSS JOIN LATERAL storm.content_of(c.oid, 'true') AS content
    WHERE c.relkind IN ('r', 'm') AND content.rows IS NULL`,
};

const PREDICATES = Object.entries(FOUND_THROUGH_INDEXES)
  .flatMap(([method, predicates]) => predicates.map((each) => `('${method}', $p$${each}$p$)`))
  .join(', ');

/** The methods that amcheck does not know: what a scan of the index finds is compared with what a scan of the table finds. */
const THROUGH_INDEXES = `
  SELECT format('%s has other rows through its %s index, where %s', c.oid::regclass, method, predicate) AS finding
  FROM pg_class AS c CROSS JOIN (VALUES ${PREDICATES}) AS p (method, predicate)
       CROSS JOIN LATERAL storm.content_by_scan(c.oid, predicate) AS whole
       CROSS JOIN LATERAL storm.content_through_index(c.oid, predicate) AS found
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname LIKE 'indexed%'
    AND (whole.rows, whole.hash) IS DISTINCT FROM (found.rows, found.hash)`;

/** Checks every index and every heap of a database and reads every row; one sentence for each thing that is wrong. */
export async function physicalFindings(session: InstanceSession): Promise<string[]> {
  await session.query(`CREATE EXTENSION IF NOT EXISTS amcheck; CREATE EXTENSION IF NOT EXISTS pg_visibility`);
  const findings: string[] = [];
  for (const [what, query] of Object.entries({ ...CHECKS, 'indexes of other methods': THROUGH_INDEXES })) {
    try {
      findings.push(...(await session.query(query)).map(({ finding }) => `${what}: ${String(finding)}`));
    } catch (error) {
      findings.push(`${what}: ${String(error)}`);
    }
  }
  return findings;
}
