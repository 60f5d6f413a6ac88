-- Accounts of customers that hosts have declared: where drawdowns through them are paid.
SET LOCAL lock_timeout = '3s';

-- The directory by which the owner of a token is found: a token is one person's for ever.
CREATE TABLE hosts.payee_owner (
    payee_ref    text   NOT NULL,
    customer_id  bigint NOT NULL,
    CONSTRAINT payee_owner_pkey PRIMARY KEY (payee_ref),
    CONSTRAINT payee_owner_named CHECK (length(btrim(payee_ref)) > 0)
);
CREATE TRIGGER payee_owner_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON hosts.payee_owner
FOR EACH STATEMENT EXECUTE FUNCTION hosts.keep_history();

CREATE TABLE hosts.payee (
    customer_id   bigint      NOT NULL,
    payee_id      bigint      NOT NULL,
    host_id       bigint      NOT NULL,
    -- The token of the account, never its number.
    payee_ref     text        NOT NULL,
    -- How the host calls it before the customer, such as a bank and four digits.
    label         text        NOT NULL,
    declared_at   timestamptz NOT NULL,
    withdrawn_at  timestamptz,
    withdrawn_by  text,
    CONSTRAINT host_payee_pkey PRIMARY KEY (customer_id, payee_id),
    CONSTRAINT host_payee_of_link FOREIGN KEY (customer_id, host_id)
        REFERENCES hosts.link (customer_id, host_id),
    CONSTRAINT host_payee_withdrawn_by_somebody CHECK (
        (withdrawn_at IS NULL) = (withdrawn_by IS NULL))
);
CREATE UNIQUE INDEX host_payee_in_force ON hosts.payee (customer_id, host_id, payee_ref)
    WHERE withdrawn_at IS NULL;
CREATE TRIGGER host_payee_fixed BEFORE UPDATE ON hosts.payee
FOR EACH ROW WHEN (
    (NEW.customer_id, NEW.payee_id, NEW.host_id, NEW.payee_ref, NEW.label, NEW.declared_at)
    IS DISTINCT FROM
    (OLD.customer_id, OLD.payee_id, OLD.host_id, OLD.payee_ref, OLD.label, OLD.declared_at)
    OR OLD.withdrawn_at IS NOT NULL)
EXECUTE FUNCTION hosts.keep_history();
