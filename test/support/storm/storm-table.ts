import type { SeededRandom } from '../seeded-random.ts';
import type { Holding } from './ledger.ts';

/**
 * The kinds of tables in the storm; the name of a table begins with its shape. `indexed` has an index of every kind,
 * `toasted` lives from its TOAST table, `bulk` has enough pages to be cut by a VACUUM, `plain` is small.
 */
export const SHAPES = {
  plain: { most: 2000, insert: 300, fillers: [1, 8] },
  indexed: { most: 2000, insert: 200, fillers: [1, 4] },
  toasted: { most: 60, insert: 12, fillers: [80, 500] },
  bulk: { most: 20_000, insert: 6000, fillers: [4, 10] },
} as const;

export type Shape = keyof typeof SHAPES;

export function shapeOf(name: string): Shape {
  return name.split('_')[0] as Shape;
}

/** Rows that a table of the shape may still take. */
export function roomIn({ name, rows }: Holding): number {
  return SHAPES[shapeOf(name)].most - Number(rows);
}

export interface NewTable {
  readonly unlogged: boolean;
  /** Empty for the database's own. */
  readonly tablespace: string;
}

/** `filler` of a toasted table lies outside, as it is: 32 bytes of md5 that repeat would compress to nothing. */
export function createTable(name: string, { unlogged, tablespace }: NewTable): string[] {
  const shape = shapeOf(name);
  const place = tablespace === '' ? '' : ` TABLESPACE ${tablespace}`;
  return [
    `CREATE ${unlogged ? 'UNLOGGED ' : ''}TABLE ${name} (id bigint PRIMARY KEY, tag int NOT NULL, era int NOT NULL,
     marks int[] NOT NULL, place point NOT NULL, filler text NOT NULL) WITH (fillfactor = 80)${place}`,
    ...(shape === 'toasted' ? [`ALTER TABLE ${name} ALTER filler SET STORAGE EXTERNAL`] : []),
    ...(shape === 'indexed'
      ? INDEX_METHODS.map((method) => `CREATE INDEX ON ${name} ${method}${place}`)
      : []),
  ];
}

const INDEX_METHODS = [
  'USING hash (tag)',
  'USING brin (era) WITH (pages_per_range = 2)',
  'USING gin (marks)',
  'USING gist (place)',
];

const EIGHT = [0, 1, 2, 3, 4, 5, 6, 7];

/** What rows of an `indexed` table are found by, through an index of each method; together they find every row. */
export const FOUND_THROUGH_INDEXES: Readonly<Record<string, readonly string[]>> = {
  btree: ['id >= 0'],
  hash: [`tag IN (${EIGHT.join(', ')})`],
  brin: ['era >= 0'],
  gin: EIGHT.map((mark) => `marks @> '{${mark}}'`),
  gist: [`place <@ box '((-1,-1),(1001,1001))'`],
};

/** Values of the columns of a row, which `g` and the batch's number decide. */
export function columnValues(name: string, batch: number, random: SeededRandom): Record<string, string> {
  const [least, most] = SHAPES[shapeOf(name)].fillers;
  return {
    tag: `(g * 5 + ${batch}) % 8`,
    era: `${batch} + g % 3`,
    marks: `ARRAY[g % 8, (g + ${batch}) % 8, g % 3]`,
    place: `point((g * 13) % 1000, (g + ${batch} * 17) % 1000)`,
    filler: `repeat(md5(${batch} || '.' || g), ${random.between(least, most)})`,
  };
}

/** Rows with ids behind the highest there is. */
export function insertRows(name: string, count: number, batch: number, random: SeededRandom): string {
  const values = columnValues(name, batch, random);
  return `INSERT INTO ${name} (id, ${Object.keys(values).join(', ')})
    SELECT last + g, ${Object.values(values).join(', ')}
    FROM generate_series(1, ${count}) AS g, (SELECT coalesce(max(id), 0) AS last FROM ${name}) AS highest`;
}

/** How many rows to put into a table of the shape at once. */
export function drawRows(name: string, random: SeededRandom): number {
  return random.between(1, SHAPES[shapeOf(name)].insert);
}
