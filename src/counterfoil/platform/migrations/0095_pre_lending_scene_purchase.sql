-- What is bought with the money of a scene: papers, course, progress, withdrawal, closure.
SET LOCAL lock_timeout = '3s';

-- What a customer buys of a merchant.
CREATE TABLE lending.scene_purchase (
    customer_id   bigint      NOT NULL,
    purchase_id   bigint      NOT NULL,
    scene         text        NOT NULL,
    merchant_id   bigint      NOT NULL,
    price_minor   bigint      NOT NULL,
    currency      char(3)     NOT NULL,
    -- Of a course alone.
    course_from   date,
    course_until  date,
    -- Whether the borrower is a student; unknown where nobody asked.
    is_student    boolean,
    recorded_by   text        NOT NULL,
    recorded_at   timestamptz NOT NULL,
    CONSTRAINT scene_purchase_pkey PRIMARY KEY (customer_id, purchase_id),
    CONSTRAINT scene_purchase_has_a_price CHECK (price_minor > 0),
    CONSTRAINT scene_purchase_course_is_whole CHECK (
        (course_from IS NULL) = (course_until IS NULL) AND course_from <= course_until
    )
);
CREATE INDEX scene_purchase_of_merchant ON lending.scene_purchase (merchant_id, purchase_id);
CREATE TRIGGER scene_purchase_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON lending.scene_purchase
FOR EACH STATEMENT EXECUTE FUNCTION lending.keep_scene_history();

-- Papers of a purchase, by digest. The same paper stands for one purchase, whoever's it is.
CREATE TABLE lending.scene_document (
    customer_id  bigint NOT NULL,
    purchase_id  bigint NOT NULL,
    kind         text   NOT NULL,
    sha256       bytea  NOT NULL,
    CONSTRAINT scene_document_pkey PRIMARY KEY (customer_id, purchase_id, kind),
    CONSTRAINT scene_document_of_a_purchase FOREIGN KEY (customer_id, purchase_id)
        REFERENCES lending.scene_purchase (customer_id, purchase_id),
    CONSTRAINT scene_document_once UNIQUE (kind, sha256),
    CONSTRAINT scene_document_length CHECK (octet_length(sha256) = 32)
);
CREATE TRIGGER scene_document_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON lending.scene_document
FOR EACH STATEMENT EXECUTE FUNCTION lending.keep_scene_history();

-- How much of a course was given, as it was reported.
CREATE TABLE lending.scene_progress (
    customer_id   bigint      NOT NULL,
    purchase_id   bigint      NOT NULL,
    progress_no   integer     NOT NULL,
    progress_ppm  integer     NOT NULL,
    proof_sha256  bytea       NOT NULL,
    reported_by   text        NOT NULL,
    reported_at   timestamptz NOT NULL,
    CONSTRAINT scene_progress_pkey PRIMARY KEY (customer_id, purchase_id, progress_no),
    CONSTRAINT scene_progress_of_a_purchase FOREIGN KEY (customer_id, purchase_id)
        REFERENCES lending.scene_purchase (customer_id, purchase_id),
    CONSTRAINT scene_progress_is_a_share CHECK (progress_ppm BETWEEN 1 AND 1000000),
    CONSTRAINT scene_progress_proof_length CHECK (octet_length(proof_sha256) = 32)
);
CREATE TRIGGER scene_progress_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON lending.scene_progress
FOR EACH STATEMENT EXECUTE FUNCTION lending.keep_scene_history();

-- Which drawdown paid for which purchase; without a loan while it is not answered.
CREATE TABLE lending.scene_use (
    customer_id      bigint      NOT NULL,
    idempotency_key  text        NOT NULL,
    purchase_id      bigint      NOT NULL,
    loan_id          bigint,
    amount_minor     bigint      NOT NULL,
    used_at          timestamptz NOT NULL,
    CONSTRAINT scene_use_pkey PRIMARY KEY (customer_id, idempotency_key),
    CONSTRAINT scene_use_of_a_purchase FOREIGN KEY (customer_id, purchase_id)
        REFERENCES lending.scene_purchase (customer_id, purchase_id),
    CONSTRAINT scene_use_of_a_loan FOREIGN KEY (customer_id, loan_id)
        REFERENCES lending.loan (customer_id, loan_id),
    CONSTRAINT scene_use_positive CHECK (amount_minor > 0)
);
CREATE INDEX scene_use_of_purchase ON lending.scene_use (customer_id, purchase_id);
CREATE INDEX scene_use_left ON lending.scene_use (customer_id, used_at) WHERE loan_id IS NULL;

-- A school's licence; the last one holds.
CREATE TABLE lending.scene_licence (
    merchant_id      bigint      NOT NULL,
    licence_id       bigint      NOT NULL,
    number           text        NOT NULL,
    authority        text        NOT NULL,
    valid_until      date        NOT NULL,
    document_sha256  bytea       NOT NULL,
    recorded_by      text        NOT NULL,
    recorded_at      timestamptz NOT NULL,
    CONSTRAINT scene_licence_pkey PRIMARY KEY (merchant_id, licence_id),
    CONSTRAINT scene_licence_document_length CHECK (octet_length(document_sha256) = 32)
);
CREATE TRIGGER scene_licence_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON lending.scene_licence
FOR EACH STATEMENT EXECUTE FUNCTION lending.keep_scene_history();

-- A merchant that delivers no more; nothing lifts it.
CREATE TABLE lending.scene_closure (
    merchant_id  bigint      NOT NULL,
    closed_on    date        NOT NULL,
    reason       text        NOT NULL,
    recorded_by  text        NOT NULL,
    recorded_at  timestamptz NOT NULL,
    CONSTRAINT scene_closure_pkey PRIMARY KEY (merchant_id),
    CONSTRAINT scene_closure_has_a_reason CHECK (length(btrim(reason)) > 0)
);
CREATE TRIGGER scene_closure_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON lending.scene_closure
FOR EACH STATEMENT EXECUTE FUNCTION lending.keep_scene_history();

-- A customer went back on a purchase within the days of cooling-off.
CREATE TABLE lending.scene_withdrawal (
    customer_id      bigint      NOT NULL,
    loan_id          bigint      NOT NULL,
    declared_on      date        NOT NULL,
    principal_minor  bigint      NOT NULL,
    payoff_minor     bigint      NOT NULL,
    declared_by      text        NOT NULL,
    declared_at      timestamptz NOT NULL,
    CONSTRAINT scene_withdrawal_pkey PRIMARY KEY (customer_id, loan_id),
    CONSTRAINT scene_withdrawal_of_a_loan FOREIGN KEY (customer_id, loan_id)
        REFERENCES lending.loan (customer_id, loan_id),
    CONSTRAINT scene_withdrawal_amounts CHECK (payoff_minor >= principal_minor)
);
CREATE TRIGGER scene_withdrawal_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON lending.scene_withdrawal
FOR EACH STATEMENT EXECUTE FUNCTION lending.keep_scene_history();
