-- What the checks of data quality found, and what they count.

-- name: add_results
-- What one run of the checks found.
-- locks   none but its rows
INSERT INTO features.quality_result (
    run_id, code, kind, source, member, cases, wrong, effect, measured_at
)
SELECT :run_id, given.code, given.kind, given.source, given.member, given.cases, given.wrong,
       given.effect, :measured_at
FROM unnest(
    :codes::text[], :kinds::text[], :sources::text[], :members::text[], :cases::bigint[],
    :wrong::bigint[], :effects::text[]
) AS given (code, kind, source, member, cases, wrong, effect);

-- name: last_results
-- What the last run found; read every second by every process.
-- gives   one row a check
-- locks   none
SELECT code, run_id, kind, source, member, cases, wrong, effect, measured_at
FROM features.quality_result
WHERE run_id = (SELECT max(run_id) FROM features.quality_result)
ORDER BY code;

-- name: daily_counts
-- What the checks of each source counted since an instant, by day (UTC), over all runs of the day.
-- gives   one row a source and day, oldest first
-- locks   none
SELECT source, (measured_at AT TIME ZONE 'UTC')::date AS day, sum(cases)::bigint AS cases,
       sum(wrong)::bigint AS wrong
FROM features.quality_result
WHERE measured_at > :since
GROUP BY source, day
ORDER BY source, day;

-- name: count_events
-- What each source has told since an instant; a later word on the same record is part of the first.
-- gives   one row a source that told anything
-- locks   none
SELECT source, count(*) AS events
FROM features.event
WHERE known_at > :since AND revision = 0
GROUP BY source
ORDER BY source;

-- name: count_completeness
-- Events that became known within a window, and those that lack a member.
-- gives   one row
-- locks   none
SELECT count(*) AS cases,
       count(*) FILTER (WHERE e.facts::jsonb -> :member::text IS NULL) AS wrong
FROM features.event AS e
WHERE e.source = :source AND e.known_at > :since AND e.known_at <= :until
  AND NOT e.is_void AND (:event::text = '' OR e.kind = :event);

-- name: count_validity
-- Events that came within a window, taken or held, and those that were held.
-- gives   one row
-- locks   none
SELECT (
    SELECT count(*)
    FROM features.event AS e
    WHERE e.source = :source AND e.known_at > :since AND e.known_at <= :until AND NOT e.is_void
) + held.cases AS cases, held.cases AS wrong
FROM (
    SELECT count(*) AS cases
    FROM features.quarantined AS q
    WHERE q.source = :source AND q.held_at > :since AND q.held_at <= :until
      AND q.reason <> 'duplicate_differs'
) AS held;

-- name: count_uniqueness
-- Events that came within a window, and those that came again and said something else.
-- gives   one row
-- locks   none
SELECT (
    SELECT count(*)
    FROM features.event AS e
    WHERE e.source = :source AND e.known_at > :since AND e.known_at <= :until AND NOT e.is_void
) + held.cases AS cases, held.cases AS wrong
FROM (
    SELECT count(*) AS cases
    FROM features.quarantined AS q
    WHERE q.source = :source AND q.held_at > :since AND q.held_at <= :until
      AND q.reason = 'duplicate_differs'
) AS held;

-- name: count_freshness
-- Events that became known within a window, and those known later than some days after they
-- happened.
-- gives   one row
-- locks   none
SELECT count(*) AS cases,
       count(*) FILTER (WHERE e.known_at > e.occurred_on + make_interval(days => :days + 1)) AS wrong
FROM features.event AS e
WHERE e.source = :source AND e.known_at > :since AND e.known_at <= :until
  AND NOT e.is_void AND e.revision = 0 AND (:event::text = '' OR e.kind = :event);

-- name: bins
-- How often values of a member came within a window: numbers by their order of magnitude.
-- gives   one row a bin
-- locks   none
SELECT CASE jsonb_typeof(value)
           WHEN 'number' THEN
               CASE WHEN value::text::numeric BETWEEN -9 AND 9 THEN value::text
                    ELSE sign(value::text::numeric)::text || 'e' || length(abs(value::text::numeric)::text)
                         || left(abs(value::text::numeric)::text, 1)
               END
           ELSE value::text
       END AS bin,
       count(*) AS cases
FROM (
    SELECT e.facts::jsonb -> :member::text AS value
    FROM features.event AS e
    WHERE e.source = :source AND e.known_at > :since AND e.known_at <= :until AND NOT e.is_void
      AND (:event::text = '' OR e.kind = :event)
) AS told
WHERE value IS NOT NULL
GROUP BY bin
ORDER BY bin;

-- name: count_agreement
-- Customers of whom two sources told a number within a window, and those of whom they differ by
-- more than a share of the greater one. Each source's latest word counts.
-- gives   one row
-- locks   none
SELECT count(*) AS cases,
       count(*) FILTER (
           WHERE abs(mine.value - theirs.value) * 1000000::numeric
                 > greatest(abs(mine.value), abs(theirs.value)) * :tolerance_ppm
       ) AS wrong
FROM (
    SELECT DISTINCT ON (e.customer_id) e.customer_id,
           (e.facts::jsonb ->> :member::text)::numeric AS value
    FROM features.event AS e
    WHERE e.source = :source AND e.known_at > :since AND e.known_at <= :until AND NOT e.is_void
      AND jsonb_typeof(e.facts::jsonb -> :member) = 'number'
    ORDER BY e.customer_id, e.occurred_at DESC, e.event_id DESC
) AS mine
JOIN (
    SELECT DISTINCT ON (e.customer_id) e.customer_id,
           (e.facts::jsonb ->> :member)::numeric AS value
    FROM features.event AS e
    WHERE e.source = :other AND e.known_at > :since AND e.known_at <= :until AND NOT e.is_void
      AND jsonb_typeof(e.facts::jsonb -> :member) = 'number'
    ORDER BY e.customer_id, e.occurred_at DESC, e.event_id DESC
) AS theirs ON theirs.customer_id = mine.customer_id;
