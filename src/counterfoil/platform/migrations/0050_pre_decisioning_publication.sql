-- Gate reports and publications of policy versions; both are only ever added to.
SET LOCAL lock_timeout = '3s';

-- What the gate found of a version, as both persons who publish it saw it.
CREATE TABLE decisioning.policy_gate (
    gate_id        bigint      NOT NULL,
    policy_hash    text        NOT NULL,
    report_sha256  bytea       NOT NULL,
    report         text        NOT NULL,
    passed         boolean     NOT NULL,
    made_by        text        NOT NULL,
    made_at        timestamptz NOT NULL,
    CONSTRAINT policy_gate_pkey PRIMARY KEY (gate_id),
    CONSTRAINT policy_gate_of_a_version FOREIGN KEY (policy_hash)
        REFERENCES decisioning.policy_version (policy_hash),
    CONSTRAINT policy_gate_hash_is_sha256 CHECK (octet_length(report_sha256) = 32)
);
CREATE INDEX policy_gate_by_version ON decisioning.policy_gate (policy_hash, gate_id);

CREATE TABLE decisioning.policy_publication (
    publication_id  bigint      NOT NULL,
    policy_hash     text        NOT NULL,
    gate_id         bigint      NOT NULL,
    approval_id     bigint      NOT NULL,
    author          text        NOT NULL,
    approver        text        NOT NULL,
    published_at    timestamptz NOT NULL,
    CONSTRAINT policy_publication_pkey PRIMARY KEY (publication_id),
    CONSTRAINT policy_publication_of_a_gate FOREIGN KEY (gate_id)
        REFERENCES decisioning.policy_gate (gate_id),
    CONSTRAINT policy_publication_once_approved UNIQUE (approval_id),
    CONSTRAINT policy_author_does_not_approve CHECK (author <> approver)
);
CREATE INDEX policy_publication_gate ON decisioning.policy_publication (gate_id);

CREATE FUNCTION decisioning.keep_published() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was published is only ever added to' USING ERRCODE = 'CF003';
END $$;
CREATE TRIGGER policy_gate_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON decisioning.policy_gate
FOR EACH STATEMENT EXECUTE FUNCTION decisioning.keep_published();
CREATE TRIGGER policy_publication_stays
BEFORE UPDATE OR DELETE OR TRUNCATE ON decisioning.policy_publication
FOR EACH STATEMENT EXECUTE FUNCTION decisioning.keep_published();
