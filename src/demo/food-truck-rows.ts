/**
 * The company's rows, made by the server in bulk. `random()` after `setseed` gives the same rows in every run on every
 * major version from 15 on, as long as the statements keep their order: no clock and no other chance comes in.
 */

/** How many rows the larger tables get. */
export interface RowCounts {
  readonly customers: number;
  readonly orders: number;
  readonly ledgerEntries: number;
  readonly shifts: number;
  readonly positions: number;
}

const TRUCKS = 40;
const MENU_ITEMS = 600;
const EMPLOYEES = 400;

/** Scale 1 is about 200 MB on disk with indexes; below 0.001 every table still has rows. */
export function rowCounts(scale: number): RowCounts {
  const scaled = (count: number): number => Math.max(10, Math.round(count * scale));
  return {
    customers: scaled(60_000),
    orders: scaled(330_000),
    ledgerEntries: scaled(60_000),
    shifts: scaled(12_000),
    positions: scaled(40_000),
  };
}

/** One statement each, in loading order. */
export function truckRows(counts: RowCounts): string[] {
  const { customers, orders } = counts;
  return [
    `SELECT setseed(0.1947)`,
    `INSERT INTO truck
     SELECT n, ${pick('Rolling|Golden|Smoky|Happy|Salty|Flying', 'n')} || ' ' || ${pick('Taco|Dumpling|Waffle|Falafel|Burger', 'n / 6')},
            'FT-' || lpad(n::text, 4, '0'), ${pick('Hamburg|Leipzig|Lyon|Porto|Gent|Malmö', 'n')},
            point(random() * 90, random() * 90), date '2019-01-01' + (random() * 2000)::int, n % 9 <> 0
     FROM generate_series(1, ${TRUCKS}) AS n`,
    `INSERT INTO menu_item
     SELECT n, 1 + n % ${TRUCKS}, ${pick('taco|bowl|wrap|soup|waffle|lemonade|fries', 'n')} || ' no. ' || n,
            round((3 + random() * 12)::numeric, 2), ARRAY[${pick('vegan|spicy|cold|sweet', 'n')}, ${pick('new|classic|seasonal', 'n / 4')}]
     FROM generate_series(1, ${MENU_ITEMS}) AS n`,
    `INSERT INTO customer
     SELECT n, ${pick('Ada|Bo|Chidi|Dana|Emre|Fatou|Grete|Hana', 'n')} || ' ' || initcap(substr(md5(random()::text), 1, 9)),
            'guest' || n || '@example.org', timestamptz '2020-01-01 00:00+00' + random() * interval '2100 days',
            jsonb_build_object('diet', ${pick('none|vegan|vegetarian|halal', 'n')}, 'newsletter', random() < 0.3, 'points', (random() * 900)::int)
     FROM generate_series(1, ${String(customers)}) AS n`,
    `INSERT INTO truck_order
     SELECT n, timestamptz '2025-11-01 00:00+00' + (n - 1 + random()) / ${String(orders)} * interval '365 days',
            1 + (random() * ${TRUCKS - 1})::int, 1 + (random() * ${String(customers - 1)})::int,
            CASE WHEN n > ${String(orders)} * 0.99 THEN 'open' ELSE ${pick('served|served|served|cancelled', 'n')} END,
            round((5 + random() * 45)::numeric, 2),
            jsonb_build_object('table', n % 20, 'note', md5(random()::text), 'channel', ${pick('window|app|phone', 'n')}, 'lines',
              jsonb_build_array(jsonb_build_object('item', 1 + (random() * ${MENU_ITEMS - 1})::int, 'quantity', 1 + n % 3),
                                jsonb_build_object('item', 1 + (random() * ${MENU_ITEMS - 1})::int, 'quantity', 1)))
     FROM generate_series(1, ${String(orders)}) AS n`,
    `INSERT INTO payment
     SELECT id, id, placed_at, total, ${pick('card|cash|app', 'id::int')}, md5(id::text || 'paid')
     FROM truck_order WHERE status = 'served' ORDER BY id`,
    `INSERT INTO shift
     SELECT n, 1 + n % ${TRUCKS}, 'employee ' || (1 + n % ${EMPLOYEES}), tstzrange(start, start + interval '6 hours')
     FROM generate_series(1, ${String(counts.shifts)}) AS n,
          LATERAL (SELECT timestamptz '2025-11-01 10:00+00' + n * interval '40 minutes' AS start) AS begun`,
    `INSERT INTO truck_position
     SELECT 1 + n % ${TRUCKS}, timestamptz '2026-10-31 00:00+00' + n * interval '1 second', point(random() * 90, random() * 90)
     FROM generate_series(1, ${String(counts.positions)}) AS n`,
    `INSERT INTO accounting.ledger_entry (booked_on, account, amount, memo)
     SELECT date '2025-11-01' + n % 365, ${pick('sales|rent|fuel|wages|produce', 'n')}, round((random() * 2000 - 700)::numeric, 2), md5(random()::text)
     FROM generate_series(1, ${String(counts.ledgerEntries)}) AS n`,
    `SELECT setval('receipt_number', 100000 + ${String(orders)})`,
    // the printed menu: a large object of 256 KiB under an object id of its own choosing
    `SELECT lo_from_bytea(471100, (SELECT string_agg(decode(md5(n::text), 'hex'), '' ORDER BY n) FROM generate_series(1, 16384) AS n))`,
  ];
}

export const PAYROLL_ROWS: readonly string[] = [
  `SELECT setseed(0.1947)`,
  `INSERT INTO employee
   SELECT n, 'employee ' || n, date '2019-01-01' + (random() * 2000)::int, round((13 + random() * 12)::numeric, 2)
   FROM generate_series(1, ${EMPLOYEES}) AS n`,
  `INSERT INTO payslip
   SELECT id, month::date, hours, round(hours * hourly_wage, 2)
   FROM employee, generate_series(date '2025-11-01', date '2026-10-01', interval '1 month') AS month,
        LATERAL (SELECT round((60 + (id * 37 % 100))::numeric, 1) AS hours) AS worked`,
];

/** SQL for one of the words separated by `|`, chosen by an integer expression. */
function pick(words: string, by: string): string {
  const list = words.split('|');
  return `(ARRAY['${list.join("', '")}'])[1 + (${by}) % ${String(list.length)}]`;
}
