/**
 * The tables of the invented food-truck company, as databases in the field have them: foreign keys, partitions, two
 * schemas, two databases. Indexes and constraints follow after the load, in `food-truck-indexes.ts`.
 */

/** Order months, first days, oldest first: November 2025 to October 2026. */
export const ORDER_MONTHS: readonly string[] = [
  ...['2025-11-01', '2025-12-01', '2026-01-01', '2026-02-01', '2026-03-01', '2026-04-01'],
  ...['2026-05-01', '2026-06-01', '2026-07-01', '2026-08-01', '2026-09-01', '2026-10-01'],
];

/** Orders lie in [first, end): 365 days. */
export const ORDERS_END = '2026-11-01';

export const TRUCK_SCHEMA = `
  CREATE TABLE truck (
    id integer PRIMARY KEY,
    name text NOT NULL,
    plate text NOT NULL,
    city text NOT NULL,
    parked_at point NOT NULL,
    opened date NOT NULL,
    active boolean NOT NULL
  );
  CREATE TABLE menu_item (
    id integer PRIMARY KEY,
    truck_id integer NOT NULL,
    name text NOT NULL,
    price numeric(8, 2) NOT NULL,
    tags text[] NOT NULL
  );
  CREATE TABLE customer (
    id integer NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    joined timestamptz NOT NULL,
    preferences jsonb NOT NULL
  );
  CREATE TABLE truck_order (
    id bigint NOT NULL,
    placed_at timestamptz NOT NULL,
    truck_id integer NOT NULL,
    customer_id integer NOT NULL,
    status text NOT NULL,
    total numeric(10, 2) NOT NULL,
    details jsonb NOT NULL
  ) PARTITION BY RANGE (placed_at);
  ${ORDER_MONTHS.map(orderPartition).join('\n  ')}
  CREATE TABLE payment (
    id bigint NOT NULL,
    order_id bigint NOT NULL,
    placed_at timestamptz NOT NULL,
    amount numeric(10, 2) NOT NULL,
    method text NOT NULL,
    reference text NOT NULL
  );
  CREATE TABLE shift (
    id integer NOT NULL,
    truck_id integer NOT NULL,
    employee text NOT NULL,
    during tstzrange NOT NULL
  );
  CREATE SEQUENCE receipt_number START 100001;
  CREATE UNLOGGED TABLE truck_position (
    truck_id integer NOT NULL,
    seen_at timestamptz NOT NULL,
    place point NOT NULL
  );
  CREATE SCHEMA accounting;
  CREATE TABLE accounting.ledger_entry (
    id bigint GENERATED ALWAYS AS IDENTITY,
    booked_on date NOT NULL,
    account text NOT NULL,
    amount numeric(12, 2) NOT NULL,
    memo text NOT NULL
  );
  CREATE VIEW accounting.open_order AS
    SELECT id, placed_at, total FROM truck_order WHERE status = 'open';
`;

export const PAYROLL_SCHEMA = `
  CREATE TABLE employee (
    id integer PRIMARY KEY,
    name text NOT NULL,
    hired date NOT NULL,
    hourly_wage numeric(6, 2) NOT NULL
  );
  CREATE TABLE payslip (
    employee_id integer NOT NULL REFERENCES employee,
    month date NOT NULL,
    hours numeric(5, 1) NOT NULL,
    paid numeric(10, 2) NOT NULL,
    PRIMARY KEY (employee_id, month)
  );
`;

/** `truck_order_2025_11` and so on. */
function orderPartition(month: string, index: number): string {
  const end = ORDER_MONTHS[index + 1] ?? ORDERS_END;
  const name = `truck_order_${month.slice(0, 7).replace('-', '_')}`;
  return `CREATE TABLE ${name} PARTITION OF truck_order FOR VALUES FROM ('${month} 00:00+00') TO ('${end} 00:00+00');`;
}
