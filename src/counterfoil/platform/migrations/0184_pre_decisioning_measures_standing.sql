-- What stands on lines is looked through with the close of each day, beside what has long ended.
SET LOCAL lock_timeout = '3s';

CREATE INDEX line_measure_standing ON decisioning.line_measure (customer_id, measure_id)
    WHERE status = 'in_force' AND kind IN ('freeze', 'suspend');
