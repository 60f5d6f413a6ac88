-- Several rails: a payment is given to one of them when it is sent, with the reasons; what went out
-- over a rail on its date; and who closed a rail by hand.
SET LOCAL lock_timeout = '3s';

-- The order never changes; the rail does until the payment is sent, and never after.
DROP TRIGGER payment_order_fixed ON payments.payment;
CREATE TRIGGER payment_order_fixed BEFORE UPDATE ON payments.payment
FOR EACH ROW WHEN (
    (NEW.customer_id, NEW.payment_id, NEW.direction, NEW.line_id, NEW.loan_id, NEW.amount_minor,
     NEW.currency, NEW.payee_ref, NEW.business_date)
    IS DISTINCT FROM
    (OLD.customer_id, OLD.payment_id, OLD.direction, OLD.line_id, OLD.loan_id, OLD.amount_minor,
     OLD.currency, OLD.payee_ref, OLD.business_date))
EXECUTE FUNCTION payments.refuse_step();
CREATE TRIGGER payment_rail_fixed BEFORE UPDATE ON payments.payment
FOR EACH ROW WHEN (NEW.rail <> OLD.rail AND (OLD.sends > 0 OR OLD.outcome IS NOT NULL))
EXECUTE FUNCTION payments.refuse_step();

-- What was decided of a payment's way before it was sent: the rail it was given to, or why it
-- waits. One row a decision; a payment that goes on waiting for the same reasons gets none.
CREATE TABLE payments.route (
    customer_id   bigint      NOT NULL,
    payment_id    bigint      NOT NULL,
    route_no      smallint    NOT NULL,
    -- NULL: no rail can carry it now.
    rail          text,
    -- Rails and obstacles side by side, in the order in which they were tried.
    passed_rails  text[]      NOT NULL,
    obstacles     text[]      NOT NULL,
    waits_until   timestamptz,
    decided_at    timestamptz NOT NULL,
    PRIMARY KEY (customer_id, payment_id, route_no),
    FOREIGN KEY (customer_id, payment_id) REFERENCES payments.payment,
    CONSTRAINT route_reasons_paired CHECK (cardinality(passed_rails) = cardinality(obstacles)),
    CONSTRAINT route_chosen_or_waits CHECK ((rail IS NULL) = (waits_until IS NOT NULL)),
    CONSTRAINT route_obstacles_known CHECK (obstacles <@ ARRAY[
        'currency', 'below_minimum', 'above_maximum', 'not_connected', 'closed_by_hand',
        'outside_hours', 'down', 'day_limit'])
);
-- One payment, one rail: a second choice would be a second way for the same money.
CREATE UNIQUE INDEX route_chosen_once ON payments.route (customer_id, payment_id)
    WHERE rail IS NOT NULL;
CREATE TRIGGER route_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payments.route
FOR EACH STATEMENT EXECUTE FUNCTION payments.refuse_change();

-- What was given to a rail on its own date, so that its daily limit holds over all workers.
CREATE TABLE payments.rail_day (
    rail        text    NOT NULL,
    on_date     date    NOT NULL,
    sent_minor  bigint  NOT NULL,
    sent_count  integer NOT NULL,
    PRIMARY KEY (rail, on_date),
    CONSTRAINT rail_day_not_negative CHECK (sent_minor >= 0 AND sent_count >= 0)
);

-- Rails closed and opened by hand; the last row of a rail holds. The rail '*' is all of them, and
-- opening or closing all takes two people.
CREATE TABLE payments.rail_switch (
    switch_id    bigint      PRIMARY KEY,
    rail         text        NOT NULL,
    is_closed    boolean     NOT NULL,
    reason       text        NOT NULL,
    switched_by  text        NOT NULL,
    approval_id  bigint,
    approved_by  text,
    switched_at  timestamptz NOT NULL,
    CONSTRAINT rail_switch_says_why CHECK (reason <> ''),
    CONSTRAINT rail_switch_of_all_by_two CHECK (
        rail <> '*' OR (approval_id IS NOT NULL AND approved_by IS NOT NULL)),
    CONSTRAINT rail_switch_once_approved UNIQUE (approval_id)
);
CREATE INDEX rail_switch_last ON payments.rail_switch (rail, switch_id DESC);
CREATE TRIGGER rail_switch_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payments.rail_switch
FOR EACH STATEMENT EXECUTE FUNCTION payments.refuse_change();
