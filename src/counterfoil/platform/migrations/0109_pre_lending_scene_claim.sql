-- The rules that a purchase was recorded under, what merchants owe back, refunds under way.
SET LOCAL lock_timeout = '3s';

-- Which version of a scene's rules holds for a purchase; those so far are of the first one.
ALTER TABLE lending.scene_purchase ADD COLUMN scene_version text NOT NULL DEFAULT '2026-02';
ALTER TABLE lending.scene_purchase ALTER COLUMN scene_version DROP DEFAULT;

-- Which version of the merchant's payee the loan note names.
ALTER TABLE lending.scene_use ADD COLUMN payee_version_no integer NOT NULL DEFAULT 1;
ALTER TABLE lending.scene_use ALTER COLUMN payee_version_no DROP DEFAULT;
CREATE INDEX scene_use_of_loan ON lending.scene_use (customer_id, loan_id)
WHERE loan_id IS NOT NULL;

CREATE INDEX scene_payee_of_account ON lending.scene_payee (payee_ref);

-- What a merchant owes back for a purchase; the first word on each cause holds.
CREATE TABLE lending.scene_claim (
    customer_id  bigint      NOT NULL,
    purchase_id  bigint      NOT NULL,
    cause        text        NOT NULL,
    owed_minor   bigint      NOT NULL,
    due_on       date        NOT NULL,
    made_by      text        NOT NULL,
    made_at      timestamptz NOT NULL,
    CONSTRAINT scene_claim_pkey PRIMARY KEY (customer_id, purchase_id, cause),
    CONSTRAINT scene_claim_of_a_purchase FOREIGN KEY (customer_id, purchase_id)
        REFERENCES lending.scene_purchase (customer_id, purchase_id),
    CONSTRAINT scene_claim_cause_known CHECK (cause IN ('withdrawal', 'cancellation', 'closure')),
    CONSTRAINT scene_claim_not_negative CHECK (owed_minor >= 0)
);
CREATE TRIGGER scene_claim_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON lending.scene_claim
FOR EACH STATEMENT EXECUTE FUNCTION lending.keep_scene_history();

-- A merchant's refund until its repayment stands in the books, so that two at once do not pass
-- what was lent together.
CREATE TABLE lending.scene_refund (
    customer_id      bigint      NOT NULL,
    idempotency_key  text        NOT NULL,
    loan_id          bigint      NOT NULL,
    amount_minor     bigint      NOT NULL,
    asked_at         timestamptz NOT NULL,
    CONSTRAINT scene_refund_pkey PRIMARY KEY (customer_id, idempotency_key),
    CONSTRAINT scene_refund_of_a_loan FOREIGN KEY (customer_id, loan_id)
        REFERENCES lending.loan (customer_id, loan_id),
    CONSTRAINT scene_refund_positive CHECK (amount_minor > 0)
);
CREATE INDEX scene_refund_of_loan ON lending.scene_refund (customer_id, loan_id);
