import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  DEFAULT_TABLESPACE,
  GLOBAL_TABLESPACE,
  parseRelationPath,
  relationSegmentKey,
  type RelationSegment,
} from '../../src/postgres/relation-file.ts';

const FORKS = ['', '_fsm', '_vm', '_init'];
const number = fc.integer({ min: 1, max: 4_294_967_295 });

function pathOf(
  { tablespace, database, relation, fork, segment }: RelationSegment,
  changes: boolean,
): string {
  const places = new Map([
    [DEFAULT_TABLESPACE, `base/${database}`],
    [GLOBAL_TABLESPACE, 'global'],
  ]);
  const directory = places.get(tablespace) ?? `pg_tblspc/${tablespace}/PG_17_202406281/${database}`;
  const suffix = segment === 0 ? '' : `.${segment}`;
  return `${directory}/${changes ? 'INCREMENTAL.' : ''}${relation}${FORKS[fork] ?? ''}${suffix}`;
}

describe('the path of a relation file', () => {
  test('tells its numbers, whether it is the file or changes to it', () => {
    const files = fc.record({
      tablespace: fc.oneof(fc.constant(DEFAULT_TABLESPACE), fc.constant(GLOBAL_TABLESPACE), number),
      database: number,
      relation: number,
      fork: fc.integer({ min: 0, max: 3 }),
      segment: fc.integer({ min: 0, max: 5000 }),
    });
    fc.assert(
      fc.property(files, fc.boolean(), (drawn, changes) => {
        const file = drawn.tablespace === GLOBAL_TABLESPACE ? { ...drawn, database: 0 } : drawn;
        const parsed = parseRelationPath(pathOf(file, changes));
        expect(parsed).toEqual(file);
        expect(relationSegmentKey(parsed ?? file)).toBe(relationSegmentKey(file));
      }),
    );
  });

  test('is none of another file', () => {
    const others = [
      'PG_VERSION',
      'base/5/PG_VERSION',
      'global/pg_control',
      'base/5/pg_filenode.map',
      'base/5/t3_16384',
    ];
    expect(others.map(parseRelationPath)).toEqual(others.map(() => undefined));
  });
});
