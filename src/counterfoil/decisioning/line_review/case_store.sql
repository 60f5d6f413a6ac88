-- Measures on lines, notices of them, appeals against them, and signals.

-- name: add_measures
-- New measures that are announced; a second suspension of a line is left out.
-- gives   the measures that were written
-- locks   none but its rows
INSERT INTO decisioning.line_measure (
    customer_id, measure_id, line_id, kind, status, cause, reasons, author, review_id,
    announced_at, effective_on, ends_on, currency, from_minor, to_minor, said
)
SELECT given.customer_id, given.measure_id, given.line_id, given.kind, 'planned', given.cause,
       string_to_array(given.reasons, ','), given.author, given.review_id, given.announced_at,
       given.effective_on, given.ends_on, given.currency, given.from_minor, given.to_minor,
       given.said
FROM unnest(
    :customer_ids::bigint[], :measure_ids::bigint[], :line_ids::bigint[], :kinds::text[],
    :causes::text[], :reasons::text[], :authors::text[], :review_ids::bigint[],
    :announced_at::timestamptz[], :effective_on::date[], :ends_on::date[], :currencies::text[],
    :from_minor::bigint[], :to_minor::bigint[], :said::text[]
) AS given (
    customer_id, measure_id, line_id, kind, cause, reasons, author, review_id, announced_at,
    effective_on, ends_on, currency, from_minor, to_minor, said
);

-- name: change_measures
-- How measures moved on that were locked before.
-- gives   one row a measure that was changed
-- locks   the rows
UPDATE decisioning.line_measure AS m
SET status = given.status, ended_at = given.ended_at, ended_on = given.ended_on,
    ended_by = given.ended_by, end_reason = given.end_reason
FROM unnest(
    :customer_ids::bigint[], :measure_ids::bigint[], :statuses::text[],
    :ended_at::timestamptz[], :ended_on::date[], :ended_by::text[], :end_reasons::text[]
) AS given (customer_id, measure_id, status, ended_at, ended_on, ended_by, end_reason)
WHERE m.customer_id = given.customer_id AND m.measure_id = given.measure_id
RETURNING 1;

-- name: measures_locked
-- Some measures, to be changed.
-- gives   at most one row for each position of the arrays
-- locks   the rows, in the order of their keys
SELECT m.customer_id, m.measure_id, m.line_id, m.kind, m.status, m.cause, m.reasons, m.author,
       m.review_id, m.announced_at, m.effective_on, m.ends_on, m.currency, m.from_minor,
       m.to_minor, m.ended_at, m.ended_on, m.ended_by, m.end_reason, m.said
FROM decisioning.line_measure AS m
JOIN unnest(:customer_ids::bigint[], :measure_ids::bigint[]) AS k (customer_id, measure_id)
  ON k.customer_id = m.customer_id AND k.measure_id = m.measure_id
ORDER BY m.customer_id, m.measure_id
FOR UPDATE OF m;

-- name: measures_planned
-- Measures whose day has come and that are not carried out.
-- gives   at most :page rows after the key given
-- locks   none
SELECT m.customer_id, m.measure_id, m.line_id, m.kind, m.status, m.cause, m.reasons, m.author,
       m.review_id, m.announced_at, m.effective_on, m.ends_on, m.currency, m.from_minor,
       m.to_minor, m.ended_at, m.ended_on, m.ended_by, m.end_reason, m.said
FROM decisioning.line_measure AS m
WHERE m.status = 'planned' AND m.effective_on <= :business_date
  AND (m.customer_id, m.measure_id) > (:after_customer_id, :after_measure_id)
ORDER BY m.customer_id, m.measure_id
LIMIT :page;

-- name: measures_expired
-- Freezes whose last day is over.
-- gives   at most :page rows
-- locks   the rows; those that somebody else holds are left for the next time
SELECT m.customer_id, m.measure_id, m.line_id, m.kind, m.status, m.cause, m.reasons, m.author,
       m.review_id, m.announced_at, m.effective_on, m.ends_on, m.currency, m.from_minor,
       m.to_minor, m.ended_at, m.ended_on, m.ended_by, m.end_reason, m.said
FROM decisioning.line_measure AS m
WHERE m.status = 'in_force' AND m.ends_on < :business_date
ORDER BY m.customer_id, m.measure_id
LIMIT :page
FOR UPDATE OF m SKIP LOCKED;

-- name: measures_gone
-- Freezes and suspensions in force that their line bears no more, with who ended what the line bore
-- and why; neither where time did. What somebody is lifting is left to that.
-- gives   at most :page rows, of some lines where they are given
-- locks   the measures; those that somebody else holds are left for the next time
SELECT m.customer_id, m.measure_id, m.line_id, m.kind, m.status, m.cause, m.reasons, m.author,
       m.review_id, m.announced_at, m.effective_on, m.ends_on, m.currency, m.from_minor,
       m.to_minor, m.ended_at, m.ended_on, m.ended_by, m.end_reason, m.said,
       last.author AS gone_by, last.reason AS gone_reason
FROM decisioning.line_measure AS m
JOIN reporting.line AS l ON l.customer_id = m.customer_id AND l.line_id = m.line_id
LEFT JOIN LATERAL (
    SELECT e.author, e.reason
    FROM reporting.line_event AS e
    WHERE e.customer_id = m.customer_id AND e.line_id = m.line_id AND e.at >= m.announced_at
      AND e.kind = CASE m.kind WHEN 'freeze' THEN 'unfrozen' ELSE 'reinstated' END
    ORDER BY e.version DESC
    LIMIT 1
) AS last ON true
WHERE m.status = 'in_force' AND m.kind IN ('freeze', 'suspend')
  AND (m.kind = 'freeze' AND l.status = 'active'
       OR m.kind = 'suspend' AND l.status IN ('active', 'frozen'))
  AND (:customer_ids::bigint[] IS NULL OR (m.customer_id, m.line_id) IN (
      SELECT k.customer_id, k.line_id
      FROM unnest(:customer_ids::bigint[], :line_ids::bigint[]) AS k (customer_id, line_id)))
  AND NOT EXISTS (
      SELECT 1 FROM decisioning.measure_lifting AS lifting
      WHERE lifting.customer_id = m.customer_id AND lifting.measure_id = m.measure_id)
ORDER BY m.customer_id, m.measure_id
LIMIT :page
FOR UPDATE OF m SKIP LOCKED;

-- name: add_lifting
-- That somebody lifts a measure; the first wish stays.
-- gives   nothing
-- locks   the measure, shared
INSERT INTO decisioning.measure_lifting (
    customer_id, measure_id, is_wrong, lifted_by, reason, asked_at
)
VALUES (:customer_id, :measure_id, :is_wrong, :lifted_by, :reason, :asked_at)
ON CONFLICT (customer_id, measure_id, is_wrong) DO NOTHING;

-- name: liftings_unfinished
-- Liftings that were begun and whose measure stands as before.
-- gives   at most :page rows, oldest first
-- locks   none
SELECT k.customer_id, k.measure_id, k.is_wrong, k.lifted_by, k.reason, k.asked_at
FROM decisioning.measure_lifting AS k
JOIN decisioning.line_measure AS m
  ON m.customer_id = k.customer_id AND m.measure_id = k.measure_id
WHERE m.status IN ('planned', 'in_force') OR k.is_wrong AND m.status IN ('ended', 'lifted')
ORDER BY k.asked_at, k.customer_id, k.measure_id
LIMIT :page;

-- name: measures_of_line
-- The measures on one line, newest first.
-- gives   at most :page rows before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT m.customer_id, m.measure_id, m.line_id, m.kind, m.status, m.cause, m.reasons, m.author,
       m.review_id, m.announced_at, m.effective_on, m.ends_on, m.currency, m.from_minor,
       m.to_minor, m.ended_at, m.ended_on, m.ended_by, m.end_reason, m.said
FROM decisioning.line_measure AS m
WHERE m.customer_id = :customer_id AND m.line_id = :line_id
  AND m.measure_id < /*turns*/ :before
ORDER BY m.measure_id DESC /*turns*/
LIMIT :page;

-- name: measures_standing
-- The measures on some lines that stand.
-- gives   the rows of the lines, oldest first
-- locks   none
SELECT m.customer_id, m.measure_id, m.line_id, m.kind, m.status, m.cause, m.reasons, m.author,
       m.review_id, m.announced_at, m.effective_on, m.ends_on, m.currency, m.from_minor,
       m.to_minor, m.ended_at, m.ended_on, m.ended_by, m.end_reason, m.said
FROM unnest(:customer_ids::bigint[], :line_ids::bigint[]) AS k (customer_id, line_id)
JOIN decisioning.line_measure AS m
  ON m.customer_id = k.customer_id AND m.line_id = k.line_id
WHERE m.status IN ('planned', 'in_force')
ORDER BY m.customer_id, m.measure_id;

-- name: measures_of_range
-- The measures on the lines of a range of customers.
-- gives   the rows of customers after one and up to another
-- locks   none
SELECT m.customer_id, m.measure_id, m.line_id, m.kind, m.status, m.cause, m.reasons, m.author,
       m.review_id, m.announced_at, m.effective_on, m.ends_on, m.currency, m.from_minor,
       m.to_minor, m.ended_at, m.ended_on, m.ended_by, m.end_reason, m.said
FROM decisioning.line_measure AS m
WHERE m.customer_id > :after AND m.customer_id <= :through
ORDER BY m.customer_id, m.measure_id;

-- name: last_measures
-- When the last measure that counts was taken on some lines; what was undone does not.
-- gives   one row a line that has any
-- locks   none
SELECT m.customer_id, m.line_id, max(m.effective_on) AS last_on
FROM unnest(:customer_ids::bigint[], :line_ids::bigint[]) AS k (customer_id, line_id)
JOIN decisioning.line_measure AS m
  ON m.customer_id = k.customer_id AND m.line_id = k.line_id
WHERE m.status NOT IN ('undone', 'dropped')
GROUP BY m.customer_id, m.line_id;

-- name: add_notices
-- What customers are told.
-- gives   nothing
-- locks   none
INSERT INTO decisioning.line_notice (
    customer_id, notice_id, line_id, kind, measure_id, review_id, text_zh, text_en, created_at
)
SELECT given.customer_id, given.notice_id, given.line_id, given.kind, given.measure_id,
       given.review_id, given.text_zh, given.text_en, given.created_at
FROM unnest(
    :customer_ids::bigint[], :notice_ids::bigint[], :line_ids::bigint[], :kinds::text[],
    :measure_ids::bigint[], :review_ids::bigint[], :texts_zh::text[], :texts_en::text[],
    :created_at::timestamptz[]
) AS given (
    customer_id, notice_id, line_id, kind, measure_id, review_id, text_zh, text_en, created_at
);

-- name: notices_of_keys
-- What customers were told, by number.
-- gives   at most one row a key
-- locks   none
SELECT n.customer_id, n.notice_id, n.line_id, n.kind, n.measure_id, n.review_id, n.text_zh,
       n.text_en, n.created_at
FROM decisioning.line_notice AS n
WHERE (customer_id, notice_id) IN (
    SELECT k.customer_id, k.notice_id
    FROM unnest(:customer_ids::bigint[], :notice_ids::bigint[]) AS k (customer_id, notice_id));

-- name: notices_of_line
-- What the customer was told of one line, newest first.
-- gives   at most :page rows before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT n.customer_id, n.notice_id, n.line_id, n.kind, n.measure_id, n.review_id, n.text_zh,
       n.text_en, n.created_at
FROM decisioning.line_notice AS n
WHERE n.customer_id = :customer_id AND n.line_id = :line_id
  AND n.notice_id < /*turns*/ :before
ORDER BY n.notice_id DESC /*turns*/
LIMIT :page;

-- name: add_appeal
-- A new appeal; a second one that is open against the same measure is left out.
-- gives   one row where it was written
-- locks   the measure, shared
INSERT INTO decisioning.line_appeal (
    customer_id, appeal_id, line_id, measure_id, grounds, received_at, due_on, status
)
VALUES (
    :customer_id, :appeal_id, :line_id, :measure_id, :grounds, :received_at, :due_on, 'open'
)
ON CONFLICT DO NOTHING
RETURNING 1;

-- name: change_appeal
-- How an appeal ended that was locked before.
-- gives   nothing
-- locks   the row
UPDATE decisioning.line_appeal AS a
SET status = :status, decided_at = :decided_at, decided_by = :decided_by,
    decision_reason = :decision_reason
WHERE a.customer_id = :customer_id AND a.appeal_id = :appeal_id;

-- name: appeal_locked
-- One appeal, to be changed.
-- gives   at most one row
-- locks   the row
SELECT a.customer_id, a.appeal_id, a.line_id, a.measure_id, a.grounds, a.received_at, a.due_on,
       a.status, a.decided_at, a.decided_by, a.decision_reason
FROM decisioning.line_appeal AS a
WHERE a.customer_id = :customer_id AND a.appeal_id = :appeal_id
FOR UPDATE OF a;

-- name: appeals_of_line
-- The appeals about one line, newest first.
-- gives   at most :page rows before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT a.customer_id, a.appeal_id, a.line_id, a.measure_id, a.grounds, a.received_at, a.due_on,
       a.status, a.decided_at, a.decided_by, a.decision_reason
FROM decisioning.line_appeal AS a
WHERE a.customer_id = :customer_id AND a.line_id = :line_id
  AND a.appeal_id < /*turns*/ :before
ORDER BY a.appeal_id DESC /*turns*/
LIMIT :page;

-- name: appeals_open
-- Appeals that wait for a person, the most urgent first.
-- gives   at most :page rows, after the key given
-- turns   is read to both sides of its key
-- locks   none
SELECT a.customer_id, a.appeal_id, a.line_id, a.measure_id, a.grounds, a.received_at, a.due_on,
       a.status, a.decided_at, a.decided_by, a.decision_reason
FROM decisioning.line_appeal AS a
WHERE a.status = 'open'
  AND (a.due_on, a.appeal_id) > /*turns*/ (:after_due_on::date, :after_appeal_id::bigint)
ORDER BY a.due_on ASC /*turns*/, a.appeal_id ASC /*turns*/
LIMIT :page;

-- name: appeals_open_of_lines
-- How many appeals about some lines are open.
-- gives   one row a line that has any
-- locks   none
SELECT a.customer_id, a.line_id, count(*) AS appeals
FROM unnest(:customer_ids::bigint[], :line_ids::bigint[]) AS k (customer_id, line_id)
JOIN decisioning.line_appeal AS a
  ON a.customer_id = k.customer_id AND a.line_id = k.line_id
WHERE a.status = 'open'
GROUP BY a.customer_id, a.line_id;

-- name: add_signal
-- A new signal; the same from the same source is left out.
-- gives   one row where it was written
-- locks   none
INSERT INTO decisioning.line_signal (
    customer_id, signal_id, line_id, kind, source, reference, noted_on, noted_at, noted_by
)
VALUES (
    :customer_id, :signal_id, :line_id, :kind, :source, :reference, :noted_on, :noted_at,
    :noted_by
)
ON CONFLICT DO NOTHING
RETURNING 1;

-- name: signal_of_source
-- The signal of a source under its reference.
-- gives   at most one row
-- locks   none
SELECT s.customer_id, s.signal_id, s.line_id, s.kind, s.source, s.reference, s.noted_on, s.noted_at,
       s.noted_by, s.cleared_at, s.cleared_by, s.clear_reason
FROM decisioning.line_signal AS s
WHERE s.customer_id = :customer_id AND s.line_id = :line_id AND s.kind = :kind
  AND s.source = :source AND s.reference = :reference;

-- name: clear_signal
-- A person has found that nothing is left of a signal; a second time changes nothing.
-- gives   one row where there is such a signal
-- locks   the row
UPDATE decisioning.line_signal AS s
SET cleared_at = coalesce(s.cleared_at, :cleared_at),
    cleared_by = coalesce(s.cleared_by, :cleared_by),
    clear_reason = coalesce(s.clear_reason, :clear_reason)
WHERE s.customer_id = :customer_id AND s.signal_id = :signal_id
RETURNING s.customer_id, s.signal_id, s.line_id, s.kind, s.source, s.reference, s.noted_on, s.noted_at,
       s.noted_by, s.cleared_at, s.cleared_by, s.clear_reason;

-- name: signals_of_lines
-- What was signalled about some lines and is open, or was told lately.
-- gives   the rows of the lines
-- locks   none
SELECT s.customer_id, s.signal_id, s.line_id, s.kind, s.source, s.reference, s.noted_on, s.noted_at,
       s.noted_by, s.cleared_at, s.cleared_by, s.clear_reason
FROM unnest(:customer_ids::bigint[], :line_ids::bigint[]) AS k (customer_id, line_id)
JOIN decisioning.line_signal AS s
  ON s.customer_id = k.customer_id AND s.line_id = k.line_id
WHERE s.cleared_at IS NULL
ORDER BY s.customer_id, s.signal_id;

-- name: signals_of_line
-- What was signalled about one line, newest first.
-- gives   at most :page rows before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT s.customer_id, s.signal_id, s.line_id, s.kind, s.source, s.reference, s.noted_on, s.noted_at,
       s.noted_by, s.cleared_at, s.cleared_by, s.clear_reason
FROM decisioning.line_signal AS s
WHERE s.customer_id = :customer_id AND s.line_id = :line_id
  AND s.signal_id < /*turns*/ :before
ORDER BY s.signal_id DESC /*turns*/
LIMIT :page;
