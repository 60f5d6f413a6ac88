-- Under which rule pack and which registry of features a line was reviewed. Records of version 1, from
-- before this was asked, name neither: unknown, and never the ones that were in force.
SET LOCAL lock_timeout = '3s';

ALTER TABLE decisioning.line_review ADD COLUMN record_version smallint NOT NULL DEFAULT 1;
-- The pack's id with the beginning of its SHA-256.
ALTER TABLE decisioning.line_review ADD COLUMN rule_pack text;
-- SHA-256 of the registry's canonical content.
ALTER TABLE decisioning.line_review ADD COLUMN feature_registry text;
ALTER TABLE decisioning.line_review ADD CONSTRAINT line_review_names_its_basis CHECK (
    CASE record_version
        WHEN 1 THEN rule_pack IS NULL AND feature_registry IS NULL
        ELSE rule_pack IS NOT NULL AND feature_registry IS NOT NULL
    END
) NOT VALID;

CREATE OR REPLACE VIEW reporting.line_review AS
SELECT customer_id, review_id, line_id, product_code, cause, business_date, outcome, acted,
       reasons, proposals, from_minor, to_minor, policy_version, decided_at, record_version,
       rule_pack, feature_registry
FROM decisioning.line_review;
