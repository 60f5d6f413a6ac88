-- Whose account is paid is asked before a payment is first sent: an act of its own, and what a rail
-- said of an account and a customer's name, so that it is not asked again at each payment.
SET LOCAL lock_timeout = '3s';

ALTER TABLE payments.payment_attempt DROP CONSTRAINT attempt_act_known;
ALTER TABLE payments.payment_attempt ADD CONSTRAINT attempt_act_known CHECK (
    act IN ('check', 'send', 'ask', 'verify')) NOT VALID;
ALTER TABLE payments.payment_answer DROP CONSTRAINT answer_known;
ALTER TABLE payments.payment_answer ADD CONSTRAINT answer_known CHECK (answer IN (
    'payee_matches', 'paid', 'declined', 'returned', 'pending', 'not_seen', 'conflict',
    'no_answer')) NOT VALID;

-- The name itself is nowhere: it was opened for the one question.
CREATE TABLE payments.known_payee (
    customer_id  bigint      NOT NULL,
    -- The payment for which it was asked.
    payment_id   bigint      NOT NULL,
    payee_ref    text        NOT NULL,
    rail         text        NOT NULL,
    -- In the customer's own name, which holds for later payments; else a merchant's.
    is_own       boolean     NOT NULL,
    said_at      timestamptz NOT NULL,
    PRIMARY KEY (customer_id, payment_id, said_at),
    FOREIGN KEY (customer_id, payment_id) REFERENCES payments.payment
);
CREATE INDEX known_payee_account ON payments.known_payee (customer_id, payee_ref, said_at);
CREATE TRIGGER known_payee_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payments.known_payee
FOR EACH STATEMENT EXECUTE FUNCTION payments.refuse_change();
