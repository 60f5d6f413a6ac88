-- The reference bureau's own store (SQLite): people, inquiries with their answers, bills, refusals.

-- name: make_person
-- Whom the bureau knows; a client number points to the recorded behaviour.
CREATE TABLE IF NOT EXISTS person (
    id_number      TEXT PRIMARY KEY,
    name           TEXT NOT NULL,
    client_number  INTEGER
) STRICT;

-- name: make_inquiry
-- One row for each answered inquiry. Both unique keys hold a consent to its single use.
CREATE TABLE IF NOT EXISTS inquiry (
    inquiry_no      INTEGER PRIMARY KEY,
    at              INTEGER NOT NULL,
    listed_on       TEXT NOT NULL,
    issuer          TEXT NOT NULL,
    organisation    TEXT NOT NULL,
    jti             TEXT NOT NULL,
    consent         TEXT NOT NULL,
    consent_sha256  BLOB NOT NULL,
    use_no          INTEGER NOT NULL,
    purpose         TEXT NOT NULL,
    reason          TEXT NOT NULL,
    id_number       TEXT NOT NULL,
    intent_index    INTEGER NOT NULL,
    reference       TEXT NOT NULL UNIQUE,
    sealed          BLOB NOT NULL,
    sealed_sha256   BLOB NOT NULL,
    consent_ends    INTEGER NOT NULL,
    price_minor     INTEGER NOT NULL,
    UNIQUE (issuer, jti),
    UNIQUE (issuer, consent, use_no)
) STRICT;

-- name: make_inquiry_index
-- Reports list earlier inquiries about a person.
CREATE INDEX IF NOT EXISTS inquiry_person ON inquiry (id_number);

-- name: make_refusal
-- Requests that were not answered, kept as evidence: who, when, why; no person.
CREATE TABLE IF NOT EXISTS refusal (
    refusal_no  INTEGER PRIMARY KEY,
    at          INTEGER NOT NULL,
    issuer      TEXT NOT NULL,
    jti         TEXT NOT NULL,
    consent     TEXT NOT NULL,
    use_no      INTEGER NOT NULL,
    code        TEXT NOT NULL,
    detail      TEXT NOT NULL
) STRICT;

-- name: make_own_report
-- A person's inquiries about oneself; two a year are free.
CREATE TABLE IF NOT EXISTS own_report (
    own_report_no  INTEGER PRIMARY KEY,
    given_on       TEXT NOT NULL,
    id_number      TEXT NOT NULL,
    price_minor    INTEGER NOT NULL
) STRICT;

-- name: make_withdrawn
-- Consents that members said were withdrawn.
CREATE TABLE IF NOT EXISTS withdrawn (
    issuer   TEXT NOT NULL,
    consent  TEXT NOT NULL,
    PRIMARY KEY (issuer, consent)
) STRICT;

-- name: add_person
-- A person; known ones keep what the bureau knows of them.
INSERT OR IGNORE INTO person (id_number, name, client_number)
VALUES (:id_number, :name, :client_number);

-- name: person
-- One person by identity number.
SELECT id_number, name, client_number FROM person WHERE id_number = :id_number;

-- name: another_person
-- Somebody else than a person; for the wrong report.
SELECT id_number, name, client_number FROM person
WHERE id_number <> :id_number
ORDER BY id_number
LIMIT 1;

-- name: add_inquiry
-- An answered inquiry, with its sealed answer.
INSERT INTO inquiry (
    at, listed_on, issuer, organisation, jti, consent, consent_sha256, use_no, purpose, reason,
    id_number, intent_index, reference, sealed, sealed_sha256, consent_ends, price_minor
) VALUES (
    :at, :listed_on, :issuer, :organisation, :jti, :consent, :consent_sha256, :use_no, :purpose,
    :reason, :id_number, :intent_index, :reference, :sealed, :sealed_sha256, :consent_ends,
    :price_minor
);

-- name: inquiry_of_jti
-- The inquiry that a member asked under an identifier.
SELECT jti, consent, consent_sha256, use_no, purpose, reason, id_number, reference, sealed
FROM inquiry
WHERE issuer = :issuer AND jti = :jti;

-- name: inquiry_of_use
-- The inquiry that a use of a consent led to.
SELECT jti FROM inquiry WHERE issuer = :issuer AND consent = :consent AND use_no = :use_no;

-- name: last_inquiry_no
-- The number of the newest inquiry, nothing where there is none.
SELECT max(inquiry_no) FROM inquiry;

-- name: inquiries_about
-- Who asked about a person, oldest first.
SELECT listed_on, organisation, reason FROM inquiry
WHERE id_number = :id_number
ORDER BY inquiry_no;

-- name: inquiries_of_member
-- A member's inquiries for its own reconciliation, oldest first.
SELECT inquiry_no, at, issuer, organisation, jti, consent, consent_sha256, use_no, purpose, reason,
       intent_index, reference, sealed_sha256, price_minor
FROM inquiry
WHERE issuer = :issuer
ORDER BY inquiry_no;

-- name: add_refusal
-- A request that is not answered.
INSERT INTO refusal (at, issuer, jti, consent, use_no, code, detail)
VALUES (:at, :issuer, :jti, :consent, :use_no, :code, :detail);

-- name: refusals_count
-- How many requests were refused.
SELECT count(*) FROM refusal;

-- name: add_own_report
-- A person asked about oneself.
INSERT INTO own_report (given_on, id_number, price_minor)
VALUES (:given_on, :id_number, :price_minor);

-- name: own_reports_of_year
-- How often a person asked about oneself in a span of days.
SELECT count(*) FROM own_report
WHERE id_number = :id_number AND given_on BETWEEN :first_day AND :last_day;

-- name: own_reports_about
-- When a person asked about oneself.
SELECT given_on FROM own_report WHERE id_number = :id_number ORDER BY own_report_no;

-- name: add_withdrawn
-- A consent that ended.
INSERT OR IGNORE INTO withdrawn (issuer, consent) VALUES (:issuer, :consent);

-- name: is_withdrawn
-- Whether a member said that a consent was withdrawn.
SELECT count(*) FROM withdrawn WHERE issuer = :issuer AND consent = :consent;
