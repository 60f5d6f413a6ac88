-- Purchases that a host records are its own, as applications, lines and loans are.
SET LOCAL lock_timeout = '3s';

ALTER TABLE hosts.subject DROP CONSTRAINT host_subject_kind_is_known;
ALTER TABLE hosts.subject ADD CONSTRAINT host_subject_kind_is_known
    CHECK (kind IN ('application', 'line', 'loan', 'purchase')) NOT VALID;
