-- What reports read of inquiries, of openings of reports and of the log.
SET LOCAL lock_timeout = '3s';

CREATE VIEW reporting.inquiry AS
SELECT customer_id, inquiry_id, consent_id, use_no, occasion, purpose, reason_code, bureau, state,
       intent_leaf_id, outcome_leaf_id, asked_at, ended_at, outcome_code, bureau_reference
FROM bureau.inquiry;

CREATE VIEW reporting.report_opening AS
SELECT customer_id, opening_id, report_id, purpose, opened_by, grant_id, is_reuse, opened_at, leaf_id
FROM bureau.opening;

CREATE VIEW reporting.leaf AS
SELECT idx, customer_id, leaf_id, leaf_type, subject_id, created
FROM evidence.leaf;

CREATE VIEW reporting.leaf_waiting AS
SELECT count(*) AS leaves, min(created) AS oldest
FROM evidence.leaf_staged;

CREATE VIEW reporting.witnessed AS
SELECT w.size, encode(c.root, 'base64') AS root, w.witnessed_at
FROM evidence.witnessed AS w
JOIN evidence.checkpoint AS c ON c.size = w.size;
