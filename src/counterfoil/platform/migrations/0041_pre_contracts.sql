-- Contracts: what was prepared, shown and signed, and by which one-time code. The texts lie sealed
-- under the customer's key for contracts; every other column is free of personal data.
SET LOCAL lock_timeout = '3s';

CREATE SCHEMA IF NOT EXISTS contracts;

CREATE TABLE contracts.contract (
    customer_id        bigint      NOT NULL,
    contract_id        bigint      NOT NULL,
    application_id     bigint      NOT NULL,
    product_code       text        NOT NULL,
    product_version    integer     NOT NULL,
    lender_id          text        NOT NULL,
    template_code      text        NOT NULL,
    template_version   integer     NOT NULL,
    currency           char(3)     NOT NULL,
    limit_minor        bigint      NOT NULL,
    rate_daily_e8      integer     NOT NULL,
    state              text        NOT NULL,
    prepared_on        date        NOT NULL,
    valid_until        date        NOT NULL,
    sha256_zh          bytea       NOT NULL,
    sha256_en          bytea       NOT NULL,
    cost_sheet_sha256  bytea       NOT NULL,
    prepared_at        timestamptz NOT NULL,
    replaces           bigint,
    effective_on       date,
    signed_at          timestamptz,
    signed_language    text,
    evidence           text,
    pdf_sha256         bytea,
    pdf_due            boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (customer_id, contract_id),
    CONSTRAINT contract_state_known CHECK (
        state IN ('prepared', 'signed', 'superseded', 'declined')),
    CONSTRAINT contract_hashes CHECK (
        octet_length(sha256_zh) = 32 AND octet_length(sha256_en) = 32
        AND octet_length(cost_sheet_sha256) = 32
        AND (pdf_sha256 IS NULL OR octet_length(pdf_sha256) = 32)),
    CONSTRAINT contract_signed_is_whole CHECK (
        (state = 'signed') = (signed_at IS NOT NULL)
        AND (signed_at IS NULL) = (signed_language IS NULL)
        AND (signed_at IS NULL) = (evidence IS NULL)),
    CONSTRAINT contract_language_known CHECK (signed_language IN ('zh', 'en')),
    CONSTRAINT contract_sealed_is_signed CHECK (pdf_sha256 IS NULL OR state = 'signed'),
    CONSTRAINT contract_version_is_whole CHECK ((replaces IS NULL) = (effective_on IS NULL))
);
-- One text at a time is open to be signed, and a line has one agreement of the beginning.
CREATE UNIQUE INDEX contract_open_once ON contracts.contract (customer_id, application_id)
    WHERE state = 'prepared';
CREATE UNIQUE INDEX contract_signed_once ON contracts.contract (customer_id, application_id)
    WHERE state = 'signed' AND replaces IS NULL;
CREATE INDEX contract_pdf_due ON contracts.contract (customer_id, contract_id) WHERE pdf_due;
CREATE INDEX contract_takes_effect ON contracts.contract (effective_on, customer_id, contract_id)
    WHERE state = 'signed' AND replaces IS NOT NULL;
CREATE INDEX contract_number ON contracts.contract (contract_id);

-- What belongs to a contract, sealed: its texts, and the signed file once it was issued.
CREATE TABLE contracts.sealed (
    customer_id  bigint NOT NULL,
    contract_id  bigint NOT NULL,
    kind         text   NOT NULL,
    ciphertext   bytea  NOT NULL,
    PRIMARY KEY (customer_id, contract_id, kind),
    FOREIGN KEY (customer_id, contract_id) REFERENCES contracts.contract,
    CONSTRAINT sealed_kind_known CHECK (kind IN ('text', 'pdf'))
);
ALTER TABLE contracts.sealed ALTER COLUMN ciphertext SET STORAGE EXTERNAL;

-- When a part was first shown in a language: reading time is measured from here.
CREATE TABLE contracts.showing (
    customer_id  bigint      NOT NULL,
    contract_id  bigint      NOT NULL,
    part         text        NOT NULL,
    language     text        NOT NULL,
    shown_at     timestamptz NOT NULL,
    PRIMARY KEY (customer_id, contract_id, part, language),
    FOREIGN KEY (customer_id, contract_id) REFERENCES contracts.contract,
    CONSTRAINT showing_part_known CHECK (part IN ('cost_sheet', 'agreement')),
    CONSTRAINT showing_language_known CHECK (language IN ('zh', 'en'))
);

-- The latest code of a contract, as a keyed hash bound to the text that it confirms.
CREATE TABLE contracts.one_time_code (
    customer_id  bigint      NOT NULL,
    contract_id  bigint      NOT NULL,
    mac          bytea       NOT NULL,
    issued_at    timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    attempts     smallint    NOT NULL DEFAULT 0,
    issued_count smallint    NOT NULL DEFAULT 1,
    used_at      timestamptz,
    PRIMARY KEY (customer_id, contract_id),
    FOREIGN KEY (customer_id, contract_id) REFERENCES contracts.contract,
    CONSTRAINT code_is_hashed CHECK (octet_length(mac) = 32)
);

CREATE TYPE contracts.contract_key_v1 AS (customer_id bigint, application_id bigint);

CREATE TYPE contracts.contract_v1 AS (
    customer_id bigint, contract_id bigint, application_id bigint, product_code text,
    product_version integer, lender_id text, template_code text, template_version integer,
    currency text, limit_minor bigint, rate_daily_e8 integer, state text, prepared_on date,
    valid_until date, sha256_zh bytea, sha256_en bytea, cost_sheet_sha256 bytea,
    prepared_at timestamptz, replaces bigint, effective_on date, signed_at timestamptz,
    signed_language text, evidence text, pdf_sha256 bytea, pdf_due boolean
);

CREATE TYPE contracts.sealed_v1 AS (
    customer_id bigint, contract_id bigint, kind text, ciphertext bytea
);

CREATE TYPE contracts.showing_v1 AS (
    customer_id bigint, contract_id bigint, part text, language text, shown_at timestamptz
);

CREATE TYPE contracts.code_v1 AS (
    customer_id bigint, contract_id bigint, mac bytea, issued_at timestamptz,
    expires_at timestamptz, attempts smallint, issued_count smallint, used_at timestamptz
);
