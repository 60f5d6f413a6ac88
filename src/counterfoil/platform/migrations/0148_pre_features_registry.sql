-- Versions of the registry of features, what was found of them, and which was put in force when and
-- by whom. All of it is only ever added to.
SET LOCAL lock_timeout = '3s';

-- A registry as a whole: canonical JSON under its SHA-256.
CREATE TABLE features.registry_version (
    sha256    text        NOT NULL,
    document  text        NOT NULL,
    kept_at   timestamptz NOT NULL,
    CONSTRAINT registry_version_pkey PRIMARY KEY (sha256),
    CONSTRAINT registry_version_is_its_content
        CHECK (sha256 = encode(sha256(convert_to(document, 'UTF8')), 'hex'))
);
CREATE TRIGGER registry_version_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON features.registry_version
FOR EACH STATEMENT EXECUTE FUNCTION features.refuse_change();

-- Difference, policies held against it, and what recorded decisions would have become.
CREATE TABLE features.registry_gate (
    gate_id        bigint      NOT NULL,
    sha256         text        NOT NULL,
    -- The registry in force then; one that ships need not be kept.
    before_sha256  text        NOT NULL,
    report_sha256  bytea       NOT NULL,
    report         text        NOT NULL,
    made_by        text        NOT NULL,
    made_at        timestamptz NOT NULL,
    CONSTRAINT registry_gate_pkey PRIMARY KEY (gate_id),
    CONSTRAINT registry_gate_of_a_version FOREIGN KEY (sha256)
        REFERENCES features.registry_version (sha256),
    CONSTRAINT registry_gate_hash_is_sha256 CHECK (octet_length(report_sha256) = 32)
);
CREATE INDEX registry_gate_by_version ON features.registry_gate (sha256, gate_id);
CREATE TRIGGER registry_gate_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON features.registry_gate
FOR EACH STATEMENT EXECUTE FUNCTION features.refuse_change();

CREATE TABLE features.registry_publication (
    publication_id  bigint      NOT NULL,
    sha256          text        NOT NULL,
    gate_id         bigint      NOT NULL,
    approval_id     bigint      NOT NULL,
    author          text        NOT NULL,
    approver        text        NOT NULL,
    published_at    timestamptz NOT NULL,
    CONSTRAINT registry_publication_pkey PRIMARY KEY (publication_id),
    CONSTRAINT registry_publication_of_a_version FOREIGN KEY (sha256)
        REFERENCES features.registry_version (sha256),
    CONSTRAINT registry_publication_once_by_a_report UNIQUE (gate_id),
    CONSTRAINT registry_publication_of_a_report FOREIGN KEY (gate_id)
        REFERENCES features.registry_gate (gate_id),
    CONSTRAINT registry_publication_once_approved UNIQUE (approval_id),
    CONSTRAINT registry_author_does_not_approve CHECK (author <> approver)
);
CREATE INDEX registry_publication_by_version ON features.registry_publication (sha256);
CREATE TRIGGER registry_publication_append_only
BEFORE UPDATE OR DELETE OR TRUNCATE ON features.registry_publication
FOR EACH STATEMENT EXECUTE FUNCTION features.refuse_change();
