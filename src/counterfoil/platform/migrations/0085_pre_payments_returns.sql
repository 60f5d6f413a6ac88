-- Payouts that came back after they were confirmed, as two people resolve them and the books then
-- take note; fees that rails ask; and of which rail a difference is.
SET LOCAL lock_timeout = '3s';

ALTER TABLE payments.suspense ADD COLUMN returned_minor bigint;
-- When the books took note of a return that two people approved.
ALTER TABLE payments.suspense ADD COLUMN carried_out_at timestamptz;
ALTER TABLE payments.suspense DROP CONSTRAINT suspense_resolution_known;
ALTER TABLE payments.suspense ADD CONSTRAINT suspense_resolution_known CHECK (
    resolution IN ('succeeded', 'failed', 'noted', 'returned')) NOT VALID;
ALTER TABLE payments.suspense ADD CONSTRAINT suspense_return_complete CHECK (
    (resolution IS NOT DISTINCT FROM 'returned') = (returned_minor IS NOT NULL)
    AND (returned_minor IS NULL OR (returned_minor > 0 AND value_date IS NOT NULL))
    AND (carried_out_at IS NULL OR (resolution = 'returned' AND approved_at IS NOT NULL))
) NOT VALID;
-- What is approved and not yet booked.
CREATE INDEX suspense_to_carry_out ON payments.suspense (approved_at, customer_id, payment_id)
    WHERE resolution = 'returned' AND approved_at IS NOT NULL AND carried_out_at IS NULL;

-- A line may be the rail's fee for a payment.
ALTER TABLE payments.statement_line DROP CONSTRAINT statement_line_kind_known;
ALTER TABLE payments.statement_line ADD CONSTRAINT statement_line_kind_known CHECK (
    kind IN ('paid', 'returned', 'fee')) NOT VALID;

-- What a payment cost the house, by what was agreed with its rail; booked once.
CREATE TABLE payments.rail_fee (
    customer_id   bigint      NOT NULL,
    payment_id    bigint      NOT NULL,
    rail          text        NOT NULL,
    fee_minor     bigint      NOT NULL,
    currency      char(3)     NOT NULL,
    booked_on     date        NOT NULL,
    booked_at     timestamptz NOT NULL,
    PRIMARY KEY (customer_id, payment_id),
    FOREIGN KEY (customer_id, payment_id) REFERENCES payments.payment,
    CONSTRAINT rail_fee_positive CHECK (fee_minor > 0)
);
CREATE INDEX rail_fee_day ON payments.rail_fee (rail, booked_on);
CREATE TRIGGER rail_fee_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payments.rail_fee
FOR EACH STATEMENT EXECUTE FUNCTION payments.refuse_change();

-- NULL for differences older than rails.
ALTER TABLE payments.difference ADD COLUMN rail text;
