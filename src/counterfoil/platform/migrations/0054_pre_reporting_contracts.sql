-- Contracts as pages show them: hashes and the evidence of signatures, nothing personal.
SET LOCAL lock_timeout = '3s';

CREATE VIEW reporting.contract AS
SELECT c.customer_id, c.contract_id, c.application_id, c.product_code, c.product_version,
       c.lender_id, c.template_code, c.template_version, c.currency::text AS currency,
       c.limit_minor, c.rate_daily_e8, c.state, c.prepared_on, c.valid_until, c.sha256_zh,
       c.sha256_en, c.cost_sheet_sha256, c.prepared_at, c.replaces, c.effective_on, c.signed_at,
       c.signed_language, c.evidence, c.pdf_sha256
FROM contracts.contract AS c;
