-- What customers set themselves, with its history; messages to them; a loan's new repayment day.
SET LOCAL lock_timeout = '3s';

-- A running loan's instalments move to another day of the month: no money moves, and the reason
-- is the day.
ALTER TABLE lending.loan_transaction DROP CONSTRAINT transaction_kind_known;
ALTER TABLE lending.loan_transaction ADD CONSTRAINT transaction_kind_known CHECK (kind IN (
    'disbursement', 'repayment', 'reversal', 'reallocation', 'redating')) NOT VALID;
ALTER TABLE lending.loan_transaction ADD CONSTRAINT redating_moves_no_money CHECK (
    kind <> 'redating'
    OR (amount_minor = 0 AND principal_minor = 0 AND interest_minor = 0 AND penalty_minor = 0
        AND excess_minor = 0 AND reason ~ '^day_([1-9]|1[0-9]|2[0-8])$')) NOT VALID;

-- What a customer wishes changed: checked, shown with its effect, confirmed, carried out.
CREATE TABLE customers.setting_request (
    customer_id      bigint      NOT NULL,
    request_id       bigint      NOT NULL,
    line_id          bigint,
    setting          text        NOT NULL,
    before_value     text        NOT NULL,
    after_value      text        NOT NULL,
    effect           text        NOT NULL,
    effect_sha256    bytea       NOT NULL,
    channel          text        NOT NULL,
    device           text,
    author           text        NOT NULL,
    needs_code       boolean     NOT NULL,
    status           text        NOT NULL,
    requested_at     timestamptz NOT NULL,
    business_date    date        NOT NULL,
    code_mac         bytea,
    code_issued_at   timestamptz,
    code_expires_at  timestamptz,
    code_attempts    smallint    NOT NULL DEFAULT 0,
    code_count       smallint    NOT NULL DEFAULT 0,
    confirmed_at     timestamptz,
    ended_at         timestamptz,
    refusal_code     text,
    CONSTRAINT setting_request_pkey PRIMARY KEY (customer_id, request_id),
    CONSTRAINT setting_request_of_customer FOREIGN KEY (customer_id)
        REFERENCES customers.customer (customer_id),
    CONSTRAINT setting_known CHECK (setting IN (
        'repayment_day', 'own_cap', 'auto_debit', 'channels', 'language', 'statement_form',
        'close_line')),
    CONSTRAINT setting_request_status_known CHECK (status IN (
        'asked', 'confirmed', 'done', 'refused', 'expired')),
    CONSTRAINT setting_request_effect_is_sha256 CHECK (octet_length(effect_sha256) = 32),
    CONSTRAINT setting_request_of_line CHECK (
        line_id IS NOT NULL
        OR setting NOT IN ('repayment_day', 'own_cap', 'auto_debit', 'close_line'))
);
-- One wish for a setting at a time: of two at once the second one waits for the first.
CREATE UNIQUE INDEX setting_request_confirmed_once
    ON customers.setting_request (customer_id, setting, coalesce(line_id, 0))
    WHERE status = 'confirmed';
CREATE INDEX setting_request_to_do ON customers.setting_request (confirmed_at)
    WHERE status = 'confirmed';

-- Every change that was carried out; only ever added to.
CREATE TABLE customers.setting_change (
    customer_id   bigint      NOT NULL,
    request_id    bigint      NOT NULL,
    line_id       bigint,
    setting       text        NOT NULL,
    before_value  text        NOT NULL,
    after_value   text        NOT NULL,
    channel       text        NOT NULL,
    device        text,
    author        text        NOT NULL,
    second_factor boolean     NOT NULL,
    changed_at    timestamptz NOT NULL,
    CONSTRAINT setting_change_pkey PRIMARY KEY (customer_id, request_id),
    CONSTRAINT setting_change_of_request FOREIGN KEY (customer_id, request_id)
        REFERENCES customers.setting_request (customer_id, request_id)
);

CREATE FUNCTION customers.refuse_setting_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% is only added to, never changed or removed',
        TG_TABLE_SCHEMA, TG_TABLE_NAME;
END $$;
CREATE TRIGGER setting_change_append_only BEFORE UPDATE OR DELETE ON customers.setting_change
FOR EACH STATEMENT EXECUTE FUNCTION customers.refuse_setting_change();

-- What holds now of the settings that belong to the person, not to a line.
CREATE TABLE customers.preference (
    customer_id     bigint      NOT NULL,
    channels        text[]      NOT NULL,
    statement_form  text        NOT NULL,
    version         integer     NOT NULL,
    changed_at      timestamptz NOT NULL,
    CONSTRAINT preference_pkey PRIMARY KEY (customer_id),
    CONSTRAINT preference_of_customer FOREIGN KEY (customer_id)
        REFERENCES customers.customer (customer_id),
    CONSTRAINT preference_has_a_channel CHECK (cardinality(channels) > 0),
    CONSTRAINT preference_channels_known CHECK (
        channels <@ ARRAY['sms', 'email', 'app', 'letter']),
    CONSTRAINT preference_statement_form_known CHECK (statement_form IN (
        'none', 'email', 'portal', 'paper'))
);

-- A message to a customer: which text and its figures, never whom it names or where it goes.
CREATE TABLE customers.message (
    customer_id   bigint      NOT NULL,
    message_id    bigint      NOT NULL,
    kind          text        NOT NULL,
    cause         text        NOT NULL,
    is_legal      boolean     NOT NULL,
    fields        text        NOT NULL,
    status        text        NOT NULL,
    attempts      smallint    NOT NULL DEFAULT 0,
    next_act_at   timestamptz,
    created_at    timestamptz NOT NULL,
    ended_at      timestamptz,
    CONSTRAINT message_pkey PRIMARY KEY (customer_id, message_id),
    CONSTRAINT message_of_customer FOREIGN KEY (customer_id)
        REFERENCES customers.customer (customer_id),
    CONSTRAINT message_once UNIQUE (customer_id, kind, cause),
    CONSTRAINT message_status_known CHECK (status IN (
        'queued', 'sent', 'undeliverable', 'withdrawn'))
);
CREATE INDEX message_due ON customers.message (next_act_at) WHERE next_act_at IS NOT NULL;

-- Every attempt at a message, by channel.
CREATE TABLE customers.message_attempt (
    customer_id  bigint      NOT NULL,
    message_id   bigint      NOT NULL,
    attempt_no   smallint    NOT NULL,
    channel      text        NOT NULL,
    outcome      text        NOT NULL,
    detail       text,
    attempted_at timestamptz NOT NULL,
    CONSTRAINT message_attempt_pkey PRIMARY KEY (customer_id, message_id, attempt_no),
    CONSTRAINT message_attempt_of_message FOREIGN KEY (customer_id, message_id)
        REFERENCES customers.message (customer_id, message_id),
    CONSTRAINT message_attempt_outcome_known CHECK (outcome IN (
        'sent', 'failed', 'no_address'))
);
CREATE TRIGGER message_attempt_append_only BEFORE UPDATE OR DELETE ON customers.message_attempt
FOR EACH STATEMENT EXECUTE FUNCTION customers.refuse_setting_change();
