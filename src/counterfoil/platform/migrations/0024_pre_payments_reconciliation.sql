-- That a day was reconciled, and what came of it; done again, the last time counts.
SET LOCAL lock_timeout = '3s';

CREATE TABLE payments.reconciliation (
    rail               text        NOT NULL,
    business_date      date        NOT NULL,
    reconciled_at      timestamptz NOT NULL,
    orders_count       integer     NOT NULL,
    lines_count        integer     NOT NULL,
    bookings_count     integer     NOT NULL,
    matched_count      integer     NOT NULL,
    matched_minor      bigint      NOT NULL,
    differences_count  integer     NOT NULL,
    PRIMARY KEY (rail, business_date),
    CONSTRAINT reconciliation_counts_not_negative CHECK (
        least(orders_count, lines_count, bookings_count, matched_count, matched_minor,
              differences_count) >= 0)
);

CREATE VIEW reporting.reconciliation AS
SELECT rail, business_date, reconciled_at, orders_count, lines_count, bookings_count,
       matched_count, matched_minor, differences_count
FROM payments.reconciliation;
