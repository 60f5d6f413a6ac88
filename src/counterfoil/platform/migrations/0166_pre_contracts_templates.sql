-- Versions of contract templates, what was found of them, which were published and retired when and
-- by whom. All of it is only ever added to, and a contract names a published version.
SET LOCAL lock_timeout = '3s';

CREATE FUNCTION contracts.keep_published() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was published is only ever added to' USING ERRCODE = 'CF003';
END $$;

-- A version as it was put forward: its files as one text under their SHA-256.
CREATE TABLE contracts.template_version (
    sha256    text        NOT NULL,
    code      text        NOT NULL,
    version   integer     NOT NULL,
    document  text        NOT NULL,
    kept_at   timestamptz NOT NULL,
    CONSTRAINT template_version_pkey PRIMARY KEY (sha256),
    CONSTRAINT template_version_named UNIQUE (sha256, code, version),
    CONSTRAINT template_version_is_its_content
        CHECK (sha256 = encode(sha256(convert_to(document, 'UTF8')), 'hex'))
);
CREATE INDEX template_version_by_name ON contracts.template_version (code, version, kept_at);
CREATE TRIGGER template_version_stays
BEFORE UPDATE OR DELETE OR TRUNCATE ON contracts.template_version
FOR EACH STATEMENT EXECUTE FUNCTION contracts.keep_published();

-- Difference, products, running agreements and trial documents, as both persons saw them.
CREATE TABLE contracts.template_gate (
    gate_id        bigint      NOT NULL,
    sha256         text        NOT NULL,
    -- The day from which nothing new is made from it; null for a publication.
    retired_on     date,
    -- Which version stood for each product then.
    instead_of     text        NOT NULL,
    report_sha256  bytea       NOT NULL,
    report         text        NOT NULL,
    made_by        text        NOT NULL,
    made_at        timestamptz NOT NULL,
    CONSTRAINT template_gate_pkey PRIMARY KEY (gate_id),
    CONSTRAINT template_gate_of_a_version FOREIGN KEY (sha256)
        REFERENCES contracts.template_version (sha256),
    CONSTRAINT template_gate_hash_is_sha256 CHECK (octet_length(report_sha256) = 32)
);
CREATE INDEX template_gate_by_version ON contracts.template_gate (sha256, gate_id);
CREATE INDEX template_gate_by_maker ON contracts.template_gate (made_by, gate_id);
CREATE TRIGGER template_gate_stays
BEFORE UPDATE OR DELETE OR TRUNCATE ON contracts.template_gate
FOR EACH STATEMENT EXECUTE FUNCTION contracts.keep_published();

CREATE TABLE contracts.template_publication (
    publication_id  bigint      NOT NULL,
    code            text        NOT NULL,
    version         integer     NOT NULL,
    sha256          text        NOT NULL,
    gate_id         bigint      NOT NULL,
    approval_id     bigint      NOT NULL,
    author          text        NOT NULL,
    approver        text        NOT NULL,
    published_at    timestamptz NOT NULL,
    CONSTRAINT template_publication_pkey PRIMARY KEY (publication_id),
    CONSTRAINT template_published_once UNIQUE (code, version),
    CONSTRAINT template_publication_of_a_version FOREIGN KEY (sha256, code, version)
        REFERENCES contracts.template_version (sha256, code, version),
    CONSTRAINT template_publication_once_by_a_report UNIQUE (gate_id),
    CONSTRAINT template_publication_of_a_report FOREIGN KEY (gate_id)
        REFERENCES contracts.template_gate (gate_id),
    CONSTRAINT template_publication_once_approved UNIQUE (approval_id),
    CONSTRAINT template_author_does_not_approve CHECK (author <> approver)
);
CREATE INDEX template_publication_by_content
    ON contracts.template_publication (sha256, code, version);
CREATE TRIGGER template_publication_stays
BEFORE UPDATE OR DELETE OR TRUNCATE ON contracts.template_publication
FOR EACH STATEMENT EXECUTE FUNCTION contracts.keep_published();

CREATE TABLE contracts.template_retirement (
    retirement_id  bigint      NOT NULL,
    code           text        NOT NULL,
    version        integer     NOT NULL,
    retired_on     date        NOT NULL,
    gate_id        bigint      NOT NULL,
    approval_id    bigint      NOT NULL,
    author         text        NOT NULL,
    approver       text        NOT NULL,
    retired_at     timestamptz NOT NULL,
    CONSTRAINT template_retirement_pkey PRIMARY KEY (retirement_id),
    CONSTRAINT template_retired_once UNIQUE (code, version),
    CONSTRAINT template_retirement_of_a_publication FOREIGN KEY (code, version)
        REFERENCES contracts.template_publication (code, version),
    CONSTRAINT template_retirement_once_by_a_report UNIQUE (gate_id),
    CONSTRAINT template_retirement_of_a_report FOREIGN KEY (gate_id)
        REFERENCES contracts.template_gate (gate_id),
    CONSTRAINT template_retirement_once_approved UNIQUE (approval_id),
    CONSTRAINT template_retirement_by_two CHECK (author <> approver)
);
CREATE TRIGGER template_retirement_stays
BEFORE UPDATE OR DELETE OR TRUNCATE ON contracts.template_retirement
FOR EACH STATEMENT EXECUTE FUNCTION contracts.keep_published();

-- Contracts of before name versions that two persons approved in their files: those are not looked
-- at again, which is why this is never validated.
ALTER TABLE contracts.contract
    ADD CONSTRAINT contract_of_a_published_template FOREIGN KEY (template_code, template_version)
        REFERENCES contracts.template_publication (code, version) NOT VALID;
