import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CopyFailure } from '../../../src/verify/proof/copy-session.ts';
import {
  DatabaseSessions,
  SessionPlaces,
  type DatabaseSession,
} from '../../../src/verify/proof/database-sessions.ts';
import type { Relation } from '../../../src/verify/proof/relations.ts';

const MEBIBYTE = 1024 * 1024;

interface TestSession extends DatabaseSession {
  readonly number: number;
  open: boolean;
}

/** A database whose further sessions are numbered from 1 on; `refused`: the server lets nobody else in. */
function databaseWith(free: number, refused = false) {
  const all: TestSession[] = [];
  const open = (): TestSession => {
    const session: TestSession = {
      number: all.length,
      open: true,
      amcheck: 'none here',
      session: {
        query: () => Promise.resolve([]),
        [Symbol.asyncDispose]: () => {
          session.open = false;
          return Promise.resolve();
        },
      },
    };
    all.push(session);
    return session;
  };
  const places = new SessionPlaces(free);
  const sessions = new DatabaseSessions(open(), places, async () => {
    await turn();
    if (refused) throw new CopyFailure('too many clients', undefined, false);
    return open();
  });
  return { sessions, places, all };
}

function relationOf(bytes: number, oid: number): Relation {
  const name = `public.t_${oid}`;
  return {
    oid,
    bytes,
    name,
    table: name,
    kind: 'r',
    method: 'heap',
    file: `base/5/${oid}`,
    otherFile: undefined,
    valid: true,
    otherCollation: false,
  };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function freePlaces(places: SessionPlaces): number {
  let count = 0;
  while (places.take()) count += 1;
  return count;
}

describe('the sessions of a database', () => {
  test('look at every relation once, never more at once than there are places, and give all of them back', () => {
    const sizes = fc.array(fc.nat({ max: 64 * MEBIBYTE }), { maxLength: 30 });
    return fc.assert(
      fc.asyncProperty(sizes, fc.nat({ max: 4 }), async (bytes, free) => {
        const { sessions, places, all } = databaseWith(free);
        const seen: number[] = [];
        let [busy, most] = [0, 0];
        const relations = bytes.map(relationOf);
        await sessions.forEach(relations, async (session, { oid }) => {
          most = Math.max(most, (busy += 1));
          expect((session as TestSession).open).toBe(true);
          await turn();
          await turn();
          busy -= 1;
          seen.push(oid);
          return 'go on';
        });
        expect(seen.toSorted((a, b) => a - b)).toEqual(relations.map(({ oid }) => oid));
        expect(most).toBeLessThanOrEqual(free + 1);
        expect(freePlaces(places)).toBe(free);
        expect(all.slice(1).filter(({ open }) => open)).toEqual([]);
      }),
    );
  });

  test('are more than one where there is enough to look at, and one where there is little', async () => {
    const used = async (bytes: number) => {
      const { sessions, all } = databaseWith(3);
      await sessions.forEach(
        [1, 2, 3, 4, 5].map((oid) => relationOf(bytes, oid)),
        async () => {
          for (let i = 0; i < 5; i++) await turn();
          return 'go on';
        },
      );
      return all.length;
    };
    expect(await used(100 * MEBIBYTE)).toBe(4);
    expect(await used(MEBIBYTE)).toBe(1);
  });

  test('are the one that there is where the server lets no other in', async () => {
    const { sessions, places } = databaseWith(2, true);
    const seen: number[] = [];
    await sessions.forEach(
      [1, 2, 3].map((oid) => relationOf(100 * MEBIBYTE, oid)),
      async (_, { oid }) => {
        for (let i = 0; i < 5; i++) await turn();
        seen.push(oid);
        return 'go on';
      },
    );
    expect(seen).toHaveLength(3);
    expect(freePlaces(places)).toBe(2);
  });

  test('leave the rest alone when one look says stop', async () => {
    const { sessions } = databaseWith(0);
    const seen: number[] = [];
    await sessions.forEach(
      [1, 2, 3].map((oid) => relationOf(oid, oid)),
      (_, { oid }) => {
        seen.push(oid);
        return Promise.resolve(oid === 2 ? 'stop' : 'go on');
      },
    );
    expect(seen).toEqual([3, 2]);
  });

  test.each(['the first', 'a further'] as const)(
    'throw what %s one threw, when all have ended',
    async (which) => {
      const { sessions, places } = databaseWith(1);
      let busy = 0;
      const failing = which === 'the first' ? 0 : 1;
      const looking = sessions.forEach(
        Array.from({ length: 8 }, (_, oid) => relationOf(100 * MEBIBYTE, oid)),
        async (session) => {
          busy += 1;
          try {
            await turn();
            if ((session as TestSession).number === failing) throw new Error('the disk is gone');
            for (let i = 0; i < 5; i++) await turn();
            return 'go on';
          } finally {
            busy -= 1;
          }
        },
      );
      await expect(looking).rejects.toThrow('the disk is gone');
      expect(busy).toBe(0);
      expect(freePlaces(places)).toBe(1);
    },
  );
});
