-- How far applications came, how long their steps took, and why persons were asked.

-- name: stages
-- How far the applications of a span came, by product, channel, segment or policy version.
-- gives   one row a group
-- locks   none
SELECT CASE :by::text
           WHEN 'product' THEN way.product_code
           WHEN 'channel' THEN way.channel
           WHEN 'segment' THEN coalesce(way.segment, 'undecided')
           ELSE coalesce(way.policy_version, 'undecided')
       END AS group_code,
       count(*) AS received,
       count(way.said) AS decided,
       count(*) FILTER (WHERE way.said = 'approved') AS approved_by_policy,
       count(*) FILTER (WHERE way.said = 'declined') AS declined_by_policy,
       count(*) FILTER (WHERE way.said = 'referred') AS referred,
       count(*) FILTER (WHERE way.person = 'approved') AS approved_by_person,
       count(*) FILTER (WHERE way.person = 'declined') AS declined_by_person,
       count(*) FILTER (WHERE way.status = 'accepted') AS accepted,
       count(*) FILTER (WHERE way.status = 'expired' AND way.said IS NULL)
           AS expired_undecided,
       count(*) FILTER (WHERE way.status = 'withdrawn' AND way.said IS NULL)
           AS withdrawn_undecided,
       count(*) FILTER (WHERE way.status = 'expired' AND way.said = 'referred'
           AND way.person IS NULL) AS expired_referred,
       count(*) FILTER (WHERE way.status = 'withdrawn' AND way.said = 'referred'
           AND way.person IS NULL) AS withdrawn_referred,
       count(*) FILTER (WHERE way.status = 'expired'
           AND coalesce(way.person, way.said) = 'approved') AS expired_offered,
       count(*) FILTER (WHERE way.status = 'withdrawn'
           AND coalesce(way.person, way.said) = 'approved') AS withdrawn_offered
FROM decisioning.application_way AS way
WHERE way.received_at >= :received_from AND way.received_at < :received_before
  AND (:product_code::text IS NULL OR way.product_code = :product_code)
  AND (:channel::text IS NULL OR way.channel = :channel)
  AND (:segment::text IS NULL OR way.segment = :segment)
  AND (:policy_version::text IS NULL OR way.policy_version = :policy_version)
GROUP BY 1
ORDER BY 1;

-- name: step_times
-- How many applications began each step and ended it, how many left at it, and how long it took
-- those that ended it: median, 95th and 99th percentile, milliseconds. The percentile is the time of
-- an application, not one between two. An inquiry is that of the applicant while the application
-- gathered; it is timed in whole seconds, and the reading of the consent is the one that it rests on.
-- Of identity checks those count that were made between receipt and end.
-- gives   at most one row a group and step
-- locks   none
SELECT step.group_code, step.step, count(*) AS began, count(step.took_ms) AS ended,
       count(*) FILTER (WHERE step.took_ms IS NULL AND step.is_left) AS left_off,
       percentile_disc(0.50) WITHIN GROUP (ORDER BY step.took_ms) AS median_ms,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY step.took_ms) AS p95_ms,
       percentile_disc(0.99) WITHIN GROUP (ORDER BY step.took_ms) AS p99_ms
FROM (
    SELECT CASE :by::text
               WHEN 'product' THEN way.product_code
               WHEN 'channel' THEN way.channel
               WHEN 'segment' THEN coalesce(way.segment, 'undecided')
               ELSE coalesce(way.policy_version, 'undecided')
           END AS group_code, s.step,
           way.status IN ('expired', 'withdrawn') AS is_left,
           CASE WHEN s.ended_at IS NOT NULL THEN
               greatest(0, extract(epoch FROM s.ended_at - s.began_at) * 1000)::bigint
           END AS took_ms
    FROM decisioning.application_way AS way
    LEFT JOIN LATERAL (
        SELECT i.consent_id, i.asked_at, i.sent_at, i.ended_at
        FROM reporting.inquiry AS i
        WHERE i.customer_id = way.customer_id AND i.occasion = 'first_application'
          AND i.asked_at >= floor(extract(epoch FROM way.received_at))
          AND i.asked_at <= ceil(extract(epoch FROM way.gathered_at))
        ORDER BY i.inquiry_id DESC
        LIMIT 1
    ) AS asked ON true
    LEFT JOIN LATERAL (
        SELECT c.given_at - c.dwell_ms * interval '1 millisecond' AS shown_at, c.given_at
        FROM reporting.consent AS c
        WHERE c.customer_id = way.customer_id AND c.consent_id = asked.consent_id
    ) AS consent ON true
    LEFT JOIN LATERAL (
        SELECT min(t.asked_at) AS asked_at, max(t.recorded_at) AS recorded_at
        FROM reporting.identity_timing AS t
        WHERE t.customer_id = way.customer_id AND t.asked_at >= way.received_at
          AND (way.ended_at IS NULL OR t.asked_at <= way.ended_at)
    ) AS identity ON true
    LEFT JOIN LATERAL (
        SELECT min(c.prepared_at) AS prepared_at, max(c.signed_at) AS signed_at,
               min(s.shown_at) FILTER (WHERE s.part = 'cost_sheet') AS sheet_at,
               min(s.shown_at) FILTER (WHERE s.part = 'agreement') AS text_at
        FROM reporting.contract AS c
        LEFT JOIN reporting.contract_showing AS s
          ON s.customer_id = c.customer_id AND s.contract_id = c.contract_id
        WHERE c.customer_id = way.customer_id AND c.application_id = way.application_id
          AND c.replaces IS NULL
    ) AS paper ON true
    CROSS JOIN LATERAL (VALUES
        ('gathering', way.received_at, way.gathered_at),
        ('consent_reading', consent.shown_at, consent.given_at),
        ('consent_proof', to_timestamp(asked.asked_at), to_timestamp(asked.sent_at)),
        ('inquiry', to_timestamp(asked.sent_at), to_timestamp(asked.ended_at)),
        ('decision', way.gathered_at, way.said_at),
        ('person', CASE WHEN way.said = 'referred' THEN way.said_at END, way.person_at),
        ('identity_check', identity.asked_at, identity.recorded_at),
        ('cost_sheet_reading', paper.sheet_at, paper.text_at),
        ('agreement_reading', paper.text_at, paper.signed_at),
        ('agreement', paper.prepared_at, paper.signed_at),
        ('acceptance',
            CASE WHEN coalesce(way.person, way.said) = 'approved'
                 THEN coalesce(way.person_at, way.said_at) END,
            CASE WHEN way.status = 'accepted' THEN way.ended_at END),
        ('journey', way.received_at, CASE WHEN way.status = 'accepted' THEN way.ended_at END)
    ) AS s (step, began_at, ended_at)
    WHERE way.received_at >= :received_from AND way.received_at < :received_before
      AND (:product_code::text IS NULL OR way.product_code = :product_code)
      AND (:channel::text IS NULL OR way.channel = :channel)
      AND (:segment::text IS NULL OR way.segment = :segment)
      AND (:policy_version::text IS NULL OR way.policy_version = :policy_version)
      AND s.began_at IS NOT NULL
) AS step
GROUP BY step.group_code, step.step
ORDER BY step.group_code, step.step;

-- name: referred_verdicts
-- What the rules said of the applications that the policy referred, and whether the customer wished
-- a person.
-- gives   one row a group, policy version, rule and verdict that is not false
-- locks   none
SELECT CASE :by::text
           WHEN 'product' THEN way.product_code
           WHEN 'channel' THEN way.channel
           WHEN 'segment' THEN coalesce(way.segment, 'undecided')
           ELSE coalesce(way.policy_version, 'undecided')
       END AS group_code, way.policy_hash, v.key AS rule_code, v.value AS verdict,
       count(*) AS applications
FROM decisioning.application_way AS way
CROSS JOIN LATERAL (
    SELECT e.key, e.value FROM jsonb_each_text(way.result::jsonb -> 'verdicts') AS e
    UNION ALL
    SELECT f.value, 'flag' FROM jsonb_array_elements_text(way.result::jsonb -> 'flags') AS f
) AS v
WHERE way.received_at >= :received_from AND way.received_at < :received_before
  AND (:product_code::text IS NULL OR way.product_code = :product_code)
  AND (:channel::text IS NULL OR way.channel = :channel)
  AND (:segment::text IS NULL OR way.segment = :segment)
  AND (:policy_version::text IS NULL OR way.policy_version = :policy_version)
  AND way.said = 'referred' AND v.value <> 'false'
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4;

-- name: sources
-- Inquiries that were asked in a span, and those that did not end within their time.
-- gives   one row a source
-- locks   none
SELECT i.bureau AS source, count(*) AS asked,
       count(*) FILTER (WHERE i.state = 'answered') AS answered,
       count(*) FILTER (WHERE coalesce(i.ended_at, :now::bigint) > i.answer_by) AS over_limit,
       percentile_disc(0.50) WITHIN GROUP (ORDER BY i.ended_at - i.sent_at) AS median_seconds,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY i.ended_at - i.sent_at) AS p95_seconds,
       percentile_disc(0.99) WITHIN GROUP (ORDER BY i.ended_at - i.sent_at) AS p99_seconds
FROM reporting.inquiry_limit AS i
WHERE i.occasion = 'first_application'
  AND i.asked_at >= extract(epoch FROM :received_from::timestamptz)
  AND i.asked_at < extract(epoch FROM :received_before::timestamptz)
GROUP BY i.bureau
ORDER BY i.bureau;
