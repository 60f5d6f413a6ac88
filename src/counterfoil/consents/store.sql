-- Consents: texts shown, decisions, what was agreed, and what became of it.

-- name: keep_texts
-- Texts that are shown for the first time; another text under a version's name breaks the write.
-- locks   none but its rows
INSERT INTO consents.notice_text (
    sha256, notice_code, notice_version, language, text, first_shown
)
SELECT given.sha256, given.notice_code, given.notice_version, given.language, given.text,
       :first_shown
FROM unnest(
    :sha256s::bytea[], :notice_codes::text[], :notice_versions::smallint[], :languages::text[],
    :texts::text[]
) AS given (sha256, notice_code, notice_version, language, text)
ON CONFLICT (sha256) DO NOTHING;

-- name: text_shown
-- A text by its hash, as it was shown.
-- gives   at most one row
-- locks   none
SELECT notice_code, notice_version, language, text, first_shown
FROM consents.notice_text
WHERE sha256 = :sha256;

-- name: add_decisions
-- What customers decided, yes and no.
-- locks   none but its rows
INSERT INTO consents.decision (
    customer_id, decision_id, choice, notice_code, notice_version, language, text_sha256,
    screen_sha256, dwell_ms, reading_ms_min, is_preselected, method, level, authenticated_at,
    evidence_sha256, channel, decided_at
)
SELECT r.customer_id, r.decision_id, r.choice, r.notice_code, r.notice_version, r.language,
       r.text_sha256, r.screen_sha256, r.dwell_ms, r.reading_ms_min, r.is_preselected, r.method,
       r.level, r.authenticated_at, r.evidence_sha256, r.channel, r.decided_at
FROM unnest(:rows::consents.decision_v1[]) AS r;

-- name: screens_taken
-- Which of some screens stand for a decision of their customer already.
-- gives   at most one row for each position of the arrays
-- locks   none
SELECT d.customer_id, d.screen_sha256
FROM unnest(:customer_ids::bigint[], :screens::bytea[]) AS given (customer_id, screen_sha256)
JOIN consents.decision AS d
  ON d.customer_id = given.customer_id AND d.screen_sha256 = given.screen_sha256
ORDER BY d.customer_id, d.screen_sha256;

-- name: add_consents
-- New consents, each with the event that begins it; their decisions are there already.
-- locks   the decisions, shared
WITH added AS (
    INSERT INTO consents.consent (
        customer_id, consent_id, record_id, purpose, recipient, application_id, notice_code,
        notice_version, language, uses_max, period_seconds, not_before, not_after,
        data_life_days, created, leaf_id, body, sha256
    )
    SELECT r.customer_id, r.consent_id, r.record_id, r.purpose, r.recipient, r.application_id,
           r.notice_code, r.notice_version, r.language, r.uses_max, r.period_seconds,
           r.not_before, r.not_after, r.data_life_days, r.created, r.leaf_id, r.body, r.sha256
    FROM unnest(:rows::consents.consent_v1[]) AS r
    RETURNING customer_id, consent_id, created
)
INSERT INTO consents.consent_event (
    customer_id, consent_id, event_no, kind, at, decision_id, done_by
)
SELECT a.customer_id, a.consent_id, 1, 'given', a.created, a.consent_id, d.channel
FROM added AS a
JOIN consents.decision AS d ON d.customer_id = a.customer_id AND d.decision_id = a.consent_id;

-- name: use_consent
-- Counts one use, where everything holds: whose it is, what for, at whom, when, how often.
-- gives   the consent as used; no row where anything does not hold
-- locks   the consent
WITH used AS (
    UPDATE consents.consent AS c
    SET uses = c.uses + 1,
        uses_in_period = CASE
            WHEN (:now::bigint - c.not_before) / c.period_seconds > c.period_no THEN 1
            ELSE c.uses_in_period + 1
        END,
        period_no = greatest(
            c.period_no, coalesce((:now::bigint - c.not_before) / c.period_seconds, 0)
        ),
        status = CASE
            WHEN c.period_seconds IS NULL AND c.uses + 1 = c.uses_max THEN 'used_up'
            ELSE 'given'
        END,
        ended_at = CASE
            WHEN c.period_seconds IS NULL AND c.uses + 1 = c.uses_max THEN :now::bigint
        END,
        events = c.events + CASE
            WHEN c.period_seconds IS NULL AND c.uses + 1 = c.uses_max THEN 2 ELSE 1
        END
    WHERE c.customer_id = :customer_id
      AND c.consent_id = :consent_id
      AND c.purpose = :purpose
      AND c.recipient = :recipient
      AND (c.application_id IS NULL OR c.application_id = :application_id::bigint)
      AND c.notice_version = ANY (:notice_versions::smallint[])
      AND c.status = 'given'
      AND c.not_before <= :now::bigint
      AND c.not_after >= :now::bigint
      AND CASE
              WHEN (:now::bigint - c.not_before) / c.period_seconds > c.period_no THEN 0
              ELSE c.uses_in_period
          END < c.uses_max
    RETURNING c.customer_id, c.consent_id, c.record_id, c.purpose, c.recipient, c.application_id,
              c.notice_code, c.notice_version, c.language, c.uses_max, c.period_seconds,
              c.not_before, c.not_after, c.data_life_days, c.created, c.leaf_id, c.body,
              c.sha256, c.status, c.uses, c.period_no, c.uses_in_period, c.events, c.ended_at,
              c.withdrawn_at, c.position
), noted AS (
    INSERT INTO consents.consent_event (
        customer_id, consent_id, event_no, kind, at, use_no, done_by
    )
    SELECT u.customer_id, u.consent_id, u.events - (u.status = 'used_up')::integer, 'used',
           :now::bigint, u.uses, :done_by::text
    FROM used AS u
    UNION ALL
    SELECT u.customer_id, u.consent_id, u.events, 'used_up', :now::bigint, NULL, :done_by::text
    FROM used AS u
    WHERE u.status = 'used_up'
)
SELECT customer_id, consent_id, record_id, purpose, recipient, application_id, notice_code,
       notice_version, language, uses_max, period_seconds, not_before, not_after, data_life_days,
       created, leaf_id, body, sha256, status, uses, period_no, uses_in_period, events, ended_at,
       withdrawn_at, position
FROM used;

-- name: consent
-- One consent of one customer.
-- gives   at most one row
-- locks   none
SELECT customer_id, consent_id, record_id, purpose, recipient, application_id, notice_code,
       notice_version, language, uses_max, period_seconds, not_before, not_after, data_life_days,
       created, leaf_id, body, sha256, status, uses, period_no, uses_in_period, events, ended_at,
       withdrawn_at, position
FROM consents.consent
WHERE customer_id = :customer_id AND consent_id = :consent_id;

-- name: lock_consent
-- One consent of one customer, to be changed.
-- gives   at most one row
-- locks   the consent
SELECT customer_id, consent_id, record_id, purpose, recipient, application_id, notice_code,
       notice_version, language, uses_max, period_seconds, not_before, not_after, data_life_days,
       created, leaf_id, body, sha256, status, uses, period_no, uses_in_period, events, ended_at,
       withdrawn_at, position
FROM consents.consent
WHERE customer_id = :customer_id AND consent_id = :consent_id
FOR UPDATE;

-- name: is_known
-- Whether anybody gave a consent of that number.
-- gives   one row
-- locks   none
SELECT EXISTS (SELECT FROM consents.consent WHERE consent_id = :consent_id) AS is_known;

-- name: consents_of_customer
-- The consents of one customer, newest first.
-- gives   at most :page rows, before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT customer_id, consent_id, record_id, purpose, recipient, application_id, notice_code,
       notice_version, language, uses_max, period_seconds, not_before, not_after, data_life_days,
       created, leaf_id, body, sha256, status, uses, period_no, uses_in_period, events, ended_at,
       withdrawn_at, position
FROM consents.consent
WHERE customer_id = :customer_id AND consent_id < /*turns*/ :before
ORDER BY consent_id DESC /*turns*/
LIMIT :page;

-- name: usable_consents
-- Consents of one customer that may be used now for a purpose at a recipient, newest first.
-- gives   at most :page rows
-- locks   none
SELECT customer_id, consent_id, record_id, purpose, recipient, application_id, notice_code,
       notice_version, language, uses_max, period_seconds, not_before, not_after, data_life_days,
       created, leaf_id, body, sha256, status, uses, period_no, uses_in_period, events, ended_at,
       withdrawn_at, position
FROM consents.consent
WHERE customer_id = :customer_id AND purpose = :purpose AND recipient = :recipient
  AND status = 'given' AND not_before <= :now AND not_after >= :now
  AND notice_version = ANY (:notice_versions::smallint[])
  AND CASE
          WHEN (:now - not_before) / period_seconds > period_no THEN 0
          ELSE uses_in_period
      END < uses_max
ORDER BY consent_id DESC
LIMIT :page;

-- name: events_of_consent
-- What happened to one consent, in order.
-- gives   at most :page rows, after the number given
-- locks   none
SELECT event_no, kind, at, use_no, done_by, decision_id, leaf_id
FROM consents.consent_event
WHERE customer_id = :customer_id AND consent_id = :consent_id AND event_no > :after
ORDER BY event_no
LIMIT :page;

-- name: decision
-- What was shown to a customer and how it was decided.
-- gives   at most one row
-- locks   none
SELECT decision_id, choice, notice_code, notice_version, language, text_sha256, screen_sha256,
       dwell_ms, reading_ms_min, method, level, authenticated_at, evidence_sha256, channel,
       decided_at
FROM consents.decision
WHERE customer_id = :customer_id AND decision_id = :decision_id;

-- name: refused_by_customer
-- The notices that a customer refused, newest first.
-- gives   at most :page rows
-- locks   none
SELECT decision_id, choice, notice_code, notice_version, language, text_sha256, screen_sha256,
       dwell_ms, reading_ms_min, method, level, authenticated_at, evidence_sha256, channel,
       decided_at
FROM consents.decision
WHERE customer_id = :customer_id AND choice = 'refused'
ORDER BY decision_id DESC
LIMIT :page;

-- name: withdraw_consent
-- Ends a consent at the customer's wish; its leaf is written already.
-- locks   the consent, which is locked already
WITH ended AS (
    UPDATE consents.consent AS c
    SET status = 'withdrawn', withdrawn_at = :now::bigint,
        ended_at = coalesce(c.ended_at, :now::bigint), events = c.events + 1
    WHERE c.customer_id = :customer_id AND c.consent_id = :consent_id
      AND c.status <> 'withdrawn'
    RETURNING c.customer_id, c.consent_id, c.events
)
INSERT INTO consents.consent_event (
    customer_id, consent_id, event_no, kind, at, done_by, leaf_id
)
SELECT customer_id, consent_id, events, 'withdrawn', :now::bigint, :done_by, :leaf_id::bigint
FROM ended;

-- name: reconfirm_consent
-- Notes that the customer confirmed a running consent once more; the decision is written already.
-- locks   the consent
WITH confirmed AS (
    UPDATE consents.consent AS c
    SET events = c.events + 1
    WHERE c.customer_id = :customer_id AND c.consent_id = :consent_id AND c.status = 'given'
    RETURNING c.customer_id, c.consent_id, c.events
)
INSERT INTO consents.consent_event (
    customer_id, consent_id, event_no, kind, at, decision_id, done_by, leaf_id
)
SELECT customer_id, consent_id, events, 'reconfirmed', :now, :decision_id, :done_by, :leaf_id
FROM confirmed;

-- name: expire_consent
-- Ends one consent whose time is over.
-- locks   the consent
WITH ended AS (
    UPDATE consents.consent AS c
    SET status = 'expired', ended_at = :now::bigint, events = c.events + 1
    WHERE c.customer_id = :customer_id AND c.consent_id = :consent_id
      AND c.status = 'given' AND c.not_after < :now::bigint
    RETURNING c.customer_id, c.consent_id, c.events
)
INSERT INTO consents.consent_event (customer_id, consent_id, event_no, kind, at, done_by)
SELECT customer_id, consent_id, events, 'expired', :now::bigint, :done_by
FROM ended;

-- name: expire_consents
-- Ends a page of consents whose time is over; one that is being used just now waits its turn.
-- locks   the consents
WITH due AS (
    SELECT customer_id, consent_id
    FROM consents.consent
    WHERE status = 'given' AND not_after < :now::bigint
    ORDER BY not_after, customer_id, consent_id
    LIMIT :page
    FOR UPDATE SKIP LOCKED
), ended AS (
    UPDATE consents.consent AS c
    SET status = 'expired', ended_at = :now::bigint, events = c.events + 1
    FROM due
    WHERE c.customer_id = due.customer_id AND c.consent_id = due.consent_id
    RETURNING c.customer_id, c.consent_id, c.events
)
INSERT INTO consents.consent_event (customer_id, consent_id, event_no, kind, at, done_by)
SELECT customer_id, consent_id, events, 'expired', :now::bigint, :done_by
FROM ended;

-- name: withdrawn_positions
-- Which positions of a span are withdrawn.
-- gives   at most one row for each position
-- locks   none
SELECT position
FROM consents.consent
WHERE status = 'withdrawn' AND position >= :first AND position < :end
ORDER BY position;

-- name: last_position
-- The highest position that was ever given.
-- gives   one row, null where there is none
-- locks   none
SELECT max(position) AS last
FROM consents.consent;

-- name: withdrawals_of
-- The record numbers of some withdrawn consents for a recipient who was not told yet.
-- gives   at most one row for each position of the arrays
-- locks   none
SELECT c.customer_id, c.consent_id, c.record_id
FROM unnest(:customer_ids::bigint[], :consent_ids::bigint[]) AS given (customer_id, consent_id)
JOIN consents.consent AS c
  ON c.customer_id = given.customer_id AND c.consent_id = given.consent_id
WHERE c.status = 'withdrawn' AND c.recipient = :recipient
  AND NOT EXISTS (
      SELECT FROM consents.withdrawal_told AS told
      WHERE told.customer_id = c.customer_id AND told.consent_id = c.consent_id
  )
ORDER BY c.customer_id, c.consent_id;

-- name: note_told
-- Notes that the recipient knows of withdrawals.
-- locks   the consents, shared
INSERT INTO consents.withdrawal_told (customer_id, consent_id, told_at)
SELECT given.customer_id, given.consent_id, :now
FROM unnest(:customer_ids::bigint[], :consent_ids::bigint[]) AS given (customer_id, consent_id)
ON CONFLICT DO NOTHING;

-- name: told_at
-- When the recipient confirmed to know of a withdrawal.
-- gives   at most one row
-- locks   none
SELECT told_at FROM consents.withdrawal_told
WHERE customer_id = :customer_id AND consent_id = :consent_id;
