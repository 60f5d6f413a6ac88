-- Corrections of bad records: which decisions they touched, what is proposed, and what people made of
-- it. And two traits that customers or a register declare, for reports on kinds of customers.
SET LOCAL lock_timeout = '3s';

-- One decision that a bad record reached, decided again with what is known now.
CREATE TABLE features.correction (
    customer_id    bigint      NOT NULL,
    correction_id  bigint      NOT NULL,
    -- Of one act there is a row for each decision.
    case_id        bigint      NOT NULL,
    source_record  text        NOT NULL,
    subject_id     bigint      NOT NULL,
    decision_no    smallint    NOT NULL,
    policy_hash    text        NOT NULL,
    was            text        NOT NULL,
    is_now         text        NOT NULL,
    -- Names of what was read wrongly; values stand in the events.
    changed        text[]      NOT NULL,
    remedy         text        NOT NULL,
    registry       text        NOT NULL,
    found_by       text        NOT NULL,
    reason         text        NOT NULL,
    found_at       timestamptz NOT NULL,
    CONSTRAINT correction_pkey PRIMARY KEY (customer_id, correction_id),
    CONSTRAINT correction_once UNIQUE (customer_id, case_id, subject_id, decision_no),
    CONSTRAINT correction_remedy_is_known CHECK (
        remedy IN ('offer_again', 'review_line', 'tell', 'none')
    ),
    CONSTRAINT correction_has_a_reason CHECK (length(btrim(reason)) > 0)
);
CREATE TRIGGER correction_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON features.correction
FOR EACH STATEMENT EXECUTE FUNCTION features.refuse_change();

-- What a person made of a proposal.
CREATE TABLE features.correction_end (
    customer_id    bigint      NOT NULL,
    correction_id  bigint      NOT NULL,
    is_taken       boolean     NOT NULL,
    ended_by       text        NOT NULL,
    reason         text        NOT NULL,
    ended_at       timestamptz NOT NULL,
    CONSTRAINT correction_end_pkey PRIMARY KEY (customer_id, correction_id),
    CONSTRAINT correction_end_of_one FOREIGN KEY (customer_id, correction_id)
        REFERENCES features.correction (customer_id, correction_id),
    CONSTRAINT correction_end_has_a_reason CHECK (length(btrim(reason)) > 0)
);
CREATE TRIGGER correction_end_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON features.correction_end
FOR EACH STATEMENT EXECUTE FUNCTION features.refuse_change();

-- The last living word on each trait; who said nothing is not there.
CREATE VIEW reporting.customer_trait AS
SELECT DISTINCT ON (said.customer_id, trait.name)
       said.customer_id, trait.name AS trait,
       (said.facts::jsonb ->> trait.name)::boolean AS is_so, said.source
FROM features.event AS said
CROSS JOIN (VALUES ('is_rural'), ('is_micro_owner')) AS trait (name)
WHERE said.kind IN ('statement', 'register_entry') AND NOT said.is_void
  AND jsonb_typeof(said.facts::jsonb -> trait.name) = 'boolean'
  AND (said.expires_at IS NULL OR said.expires_at > now())
  AND NOT EXISTS (
      SELECT FROM features.event AS later
      WHERE later.customer_id = said.customer_id AND later.source = said.source
        AND later.kind = said.kind AND later.source_record = said.source_record
        AND later.revision > said.revision
  )
ORDER BY said.customer_id, trait.name, said.known_at DESC, said.event_id DESC;
