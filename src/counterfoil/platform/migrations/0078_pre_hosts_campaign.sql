-- Campaigns that invite customers to apply, and their invitations; opting out of them.
SET LOCAL lock_timeout = '3s';

-- A campaign as two people approved it. Its list or rule, its words and its bounds never change.
CREATE TABLE hosts.campaign (
    campaign_id   bigint      NOT NULL,
    code          text        NOT NULL,
    product_code  text        NOT NULL,
    -- 0: by the lender's own channels alone.
    host_id       bigint      NOT NULL,
    -- Empty where customers were listed; then their list by its hash.
    rule          text        NOT NULL,
    list_sha256   text        NOT NULL,
    quota         integer     NOT NULL,
    expires_on    date        NOT NULL,
    words         text        NOT NULL,
    asked_by      text        NOT NULL,
    approved_by   text        NOT NULL,
    approval_id   bigint      NOT NULL,
    started_at    timestamptz NOT NULL,
    -- What became of those who were looked at, by reason; JSON.
    counts        text        NOT NULL,
    CONSTRAINT campaign_pkey PRIMARY KEY (campaign_id),
    CONSTRAINT campaign_code_taken UNIQUE (code),
    CONSTRAINT campaign_once_approved UNIQUE (approval_id),
    CONSTRAINT campaign_by_two_people CHECK (asked_by <> approved_by),
    CONSTRAINT campaign_has_a_quota CHECK (quota > 0),
    CONSTRAINT campaign_selects_one_way CHECK ((rule = '') <> (list_sha256 = ''))
);
CREATE TRIGGER campaign_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON hosts.campaign
FOR EACH STATEMENT EXECUTE FUNCTION hosts.keep_history();

-- That somebody is invited to apply for a product. It decides nothing and reserves nothing.
CREATE TABLE hosts.invitation (
    customer_id   bigint      NOT NULL,
    campaign_id   bigint      NOT NULL,
    product_code  text        NOT NULL,
    invited_at    timestamptz NOT NULL,
    -- The last day.
    expires_on    date        NOT NULL,
    ended_at      timestamptz,
    ended_by      text,
    CONSTRAINT invitation_pkey PRIMARY KEY (customer_id, campaign_id),
    CONSTRAINT invitation_end_is_whole CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE UNIQUE INDEX invitation_once_living ON hosts.invitation (customer_id, product_code)
WHERE ended_at IS NULL;
CREATE INDEX invitation_of_campaign ON hosts.invitation (campaign_id);

ALTER TABLE decisioning.customer_choice
    DROP CONSTRAINT customer_choice_is_known,
    ADD CONSTRAINT customer_choice_is_known
        CHECK (choice IN ('person_decides', 'standard_offer', 'no_invitations')) NOT VALID;
