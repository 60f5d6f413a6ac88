-- What pages read of the log beyond its witnessed heads: its name, how far it is numbered and
-- signed, who stands for a head, alarms, what is staged; and which report an inquiry gave.
SET LOCAL lock_timeout = '3s';

CREATE VIEW reporting.log AS
SELECT origin, created_at
FROM evidence.log;

CREATE VIEW reporting.log_head AS
SELECT (SELECT max(size) FROM evidence.checkpoint) AS size,
       (SELECT max(size) FROM evidence.note) AS signed_size;

CREATE VIEW reporting.cosignature AS
SELECT size, witness, cosigned
FROM evidence.cosignature;

CREATE VIEW reporting.log_alarm AS
SELECT alarm_id, code, witness, detail, stops, raised_at, cleared_at
FROM evidence.alarm;

CREATE VIEW reporting.leaf_staged AS
SELECT customer_id, leaf_id, leaf_type, subject_id, created
FROM evidence.leaf_staged;

CREATE VIEW reporting.bureau_report AS
SELECT customer_id, report_id, inquiry_id, received_at, expires_at, erased_at
FROM bureau.report;

CREATE OR REPLACE VIEW reporting.inquiry AS
SELECT customer_id, inquiry_id, consent_id, use_no, occasion, purpose, reason_code, bureau, state,
       intent_leaf_id, outcome_leaf_id, asked_at, ended_at, outcome_code, bureau_reference, sent_at
FROM bureau.inquiry;
