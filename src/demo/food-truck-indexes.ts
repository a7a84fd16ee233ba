/**
 * Keys, indexes of every built-in kind, and the materialised view: made after the load, which takes a third of the time
 * of loading into indexed tables.
 */
export const TRUCK_INDEXES: readonly string[] = [
  `ALTER TABLE customer ADD PRIMARY KEY (id)`,
  `ALTER TABLE truck_order ADD PRIMARY KEY (id, placed_at)`,
  `ALTER TABLE payment ADD PRIMARY KEY (id)`,
  `ALTER TABLE shift ADD PRIMARY KEY (id)`,
  `ALTER TABLE accounting.ledger_entry ADD PRIMARY KEY (id)`,
  `CREATE UNIQUE INDEX customer_email ON customer (lower(email))`,
  `CREATE INDEX menu_item_tags ON menu_item USING gin (tags)`,
  `CREATE INDEX truck_parked_at ON truck USING gist (parked_at)`,
  `CREATE INDEX truck_plate ON truck USING spgist (plate)`,
  `CREATE INDEX order_customer ON truck_order (customer_id)`,
  `CREATE INDEX order_details ON truck_order USING gin (details jsonb_path_ops) WHERE status = 'open'`,
  `CREATE INDEX order_placed_at ON truck_order USING brin (placed_at)`,
  `CREATE INDEX customer_preferences ON customer USING gin (preferences)`,
  `CREATE INDEX payment_reference ON payment USING hash (reference)`,
  `CREATE INDEX shift_during ON shift USING gist (during)`,
  `CREATE INDEX truck_position_seen_at ON truck_position (seen_at)`,
  `ALTER TABLE menu_item ADD FOREIGN KEY (truck_id) REFERENCES truck`,
  `ALTER TABLE shift ADD FOREIGN KEY (truck_id) REFERENCES truck`,
  `ALTER TABLE truck_order ADD FOREIGN KEY (truck_id) REFERENCES truck`,
  `ALTER TABLE truck_order ADD FOREIGN KEY (customer_id) REFERENCES customer`,
  `ALTER TABLE payment ADD FOREIGN KEY (order_id, placed_at) REFERENCES truck_order`,
  `CREATE MATERIALIZED VIEW accounting.monthly_revenue AS
   SELECT date_trunc('month', placed_at AT TIME ZONE 'UTC')::date AS month, truck_id, count(*) AS orders, sum(total) AS revenue
   FROM truck_order WHERE status = 'served' GROUP BY 1, 2 ORDER BY 1, 2`,
];
