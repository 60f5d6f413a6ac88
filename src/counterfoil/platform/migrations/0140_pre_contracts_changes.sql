-- What a new version of an agreement changes, whether new drawings need it, and what it began from.
SET LOCAL lock_timeout = '3s';

ALTER TABLE contracts.contract
    -- Of words, terms, price and limit; null for the first agreement of a line.
    ADD COLUMN changes            text[],
    -- From its day on nothing new is drawn until it is signed.
    ADD COLUMN is_binding         boolean NOT NULL DEFAULT false,
    -- Limit, and price of new drawings, on the day of the notice.
    ADD COLUMN from_limit_minor   bigint,
    ADD COLUMN from_rate_daily_e8 integer,
    -- Since when the price is the agreement's own; null where it is the decision's.
    ADD COLUMN price_since        date;

ALTER TABLE contracts.contract
    DROP CONSTRAINT contract_state_known,
    ADD CONSTRAINT contract_state_known CHECK (
        state IN ('prepared', 'signed', 'superseded', 'declined', 'withdrawn')) NOT VALID,
    ADD CONSTRAINT contract_changes_known CHECK (
        changes IS NULL OR (replaces IS NOT NULL AND changes <> '{}'
            AND changes <@ ARRAY['words', 'terms', 'price', 'limit'])) NOT VALID,
    ADD CONSTRAINT contract_binds_by_change CHECK (
        NOT is_binding OR changes && ARRAY['terms', 'price']) NOT VALID;

CREATE TYPE contracts.contract_v2 AS (
    customer_id bigint, contract_id bigint, application_id bigint, product_code text,
    product_version integer, lender_id text, template_code text, template_version integer,
    currency text, limit_minor bigint, rate_daily_e8 integer, state text, prepared_on date,
    valid_until date, sha256_zh bytea, sha256_en bytea, cost_sheet_sha256 bytea,
    prepared_at timestamptz, replaces bigint, effective_on date, signed_at timestamptz,
    signed_language text, evidence text, pdf_sha256 bytea, pdf_due boolean, changes text[],
    is_binding boolean, from_limit_minor bigint, from_rate_daily_e8 integer, price_since date
);
