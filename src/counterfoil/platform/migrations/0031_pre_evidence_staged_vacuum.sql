-- Staged leaves come and go all day: what they leave behind is swept often, or looking for one
-- customer's would read through it.
SET LOCAL lock_timeout = '3s';

ALTER TABLE evidence.leaf_staged SET (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_insert_threshold = -1,
    autovacuum_vacuum_cost_delay = 0
);
