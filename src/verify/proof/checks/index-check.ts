import { amcheckOf } from '../database-sessions.ts';
import { lookAtEach, type DatabaseCheck } from '../database-look.ts';

/**
 * Every B-tree index: its structure from the leaves to the root, and that it has an entry for each row of its table
 * (`heapallindexed`); at the level `full` also that each entry is found from the root, and that a unique one is. GIN indexes
 * from 18 on.
 */
export const indexCheck: DatabaseCheck = {
  name: 'indexes',
  look: async (look) => {
    const { relations, level } = look;
    const { amcheck } = look.sessions.own;
    const indexes = relations.filter(({ kind }) => kind === 'i');
    if (typeof amcheck === 'string') {
      const exceptions = [`${indexes.length} indexes were not checked: ${amcheck}`];
      return { counts: { checked: 0 }, findings: [], exceptions };
    }
    const known = ['btree', ...(amcheck.checkGin === undefined ? [] : ['gin'])];
    const used = indexes.filter(({ valid, method }) => valid && known.includes(method ?? ''));
    const sorted = used.filter(({ otherCollation }) => !otherCollation);
    const comparable = sorted.filter((index) => !look.isUnchanged(index));
    const { findings, exceptions } = await lookAtEach(look, comparable, async ({ oid, method }, session) => {
      const own = amcheckOf(session);
      await (method === 'gin' ? own.checkGin?.(oid) : own.checkIndex(oid, level === 'full'));
      return [];
    });
    const others = used.length - sorted.length;
    if (others > 0)
      exceptions.push(
        `${others} indexes of ${look.database} sort by a collation of which this host has another version, and were not checked`,
      );
    const counts = {
      checked: comparable.length,
      unchanged: sorted.length - comparable.length,
      otherMethods: indexes.filter(({ method }) => !known.includes(method ?? '')).length,
      invalid: indexes.filter(({ valid }) => !valid).length,
    };
    return { counts, findings, exceptions };
  },
  describe: ({ checked = 0, unchanged = 0, otherMethods = 0, invalid = 0 }) =>
    [
      `${checked} indexes`,
      ...(unchanged === 0 ? [] : [`${unchanged} unchanged since they were proven`]),
      ...(otherMethods === 0 ? [] : [`${otherMethods} of methods that amcheck does not know left out`]),
      ...(invalid === 0 ? [] : [`${invalid} that the source calls invalid left out`]),
    ].join(', '),
};
