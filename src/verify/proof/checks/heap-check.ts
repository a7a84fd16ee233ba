import { amcheckOf } from '../database-sessions.ts';
import { lookAtEach, type DatabaseCheck } from '../database-look.ts';

/** Every heap, row by row: tables, their TOAST, materialized views, the catalogs, and sequences from 16 on. */
export const heapCheck: DatabaseCheck = {
  name: 'heaps',
  look: async (look) => {
    const { relations } = look;
    const { amcheck } = look.sessions.own;
    const tables = relations.filter(({ kind }) => ['r', 'm', 't'].includes(kind));
    if (typeof amcheck === 'string') {
      return {
        counts: { checked: 0 },
        findings: [],
        exceptions: [`${tables.length} heaps were not checked: ${amcheck}`],
      };
    }
    const known = relations.filter(
      ({ kind, method }) => method === 'heap' || (kind === 'S' && amcheck.knowsSequences),
    );
    const heaps = known.filter((heap) => !look.isUnchanged(heap));
    const { findings, exceptions } = await lookAtEach(look, heaps, async ({ oid }, session) =>
      (await amcheckOf(session).checkHeap(oid)).map(
        ({ block, offset, message }) =>
          `block ${block}${offset === undefined ? '' : `, row ${offset}`}: ${message}`,
      ),
    );
    const others = tables.filter(({ method }) => method !== 'heap');
    for (const { name, method } of others)
      exceptions.push(
        `table ${name} of ${look.database} was not checked: its access method is ${method ?? 'unknown'}`,
      );
    return {
      counts: { checked: heaps.length, unchanged: known.length - heaps.length },
      findings,
      exceptions,
    };
  },
  describe: ({ checked = 0, unchanged = 0 }) =>
    `${checked} tables and TOAST tables${unchanged === 0 ? '' : `, ${unchanged} unchanged since they were proven`}`,
};
