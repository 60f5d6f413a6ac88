-- Consents as pages and reports read them: without records and hashes of evidence.
SET LOCAL lock_timeout = '3s';

CREATE VIEW reporting.consent AS
SELECT c.customer_id, c.consent_id, c.record_id, c.purpose, c.recipient, c.application_id,
       c.notice_code, c.notice_version, c.language, c.uses_max, c.period_seconds, c.uses,
       to_timestamp(c.not_before) AS valid_from, to_timestamp(c.not_after) AS valid_to,
       c.data_life_days, to_timestamp(c.created) AS given_at, c.leaf_id, c.sha256, c.status,
       to_timestamp(c.ended_at) AS ended_at, to_timestamp(c.withdrawn_at) AS withdrawn_at,
       d.dwell_ms, d.reading_ms_min, d.method, d.level, d.channel, d.text_sha256,
       d.screen_sha256, t.text
FROM consents.consent AS c
JOIN consents.decision AS d ON d.customer_id = c.customer_id AND d.decision_id = c.consent_id
JOIN consents.notice_text AS t ON t.sha256 = d.text_sha256;

CREATE VIEW reporting.consent_event AS
SELECT customer_id, consent_id, event_no, kind, to_timestamp(at) AS at, use_no, done_by
FROM consents.consent_event;

CREATE VIEW reporting.consent_refused AS
SELECT customer_id, decision_id, notice_code, notice_version, to_timestamp(decided_at) AS decided_at
FROM consents.decision
WHERE choice = 'refused';
