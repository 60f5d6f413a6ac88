-- What a version has decided lately, and what its action cap holds back.

-- name: add_tallies
-- Counts spans of five minutes that nobody adds to any more, each once.
-- locks   none but its rows
WITH span AS (
    SELECT generate_series(
        :since::timestamptz, :until::timestamptz - interval '5 minutes', interval '5 minutes'
    ) AS began_at
), decided AS (
    SELECT date_bin('5 minutes', decided_at, :since) AS began_at, outcome, result
    FROM decisioning.recorded_decision
    WHERE decided_by = :decided_by AND policy_hash = :policy_hash
      AND decided_at >= :since AND decided_at < :until
), counted AS (
    SELECT span.began_at, '*' AS rule_code, 'decided' AS said, count(decided.outcome) AS cases
    FROM span
    LEFT JOIN decided ON decided.began_at = span.began_at
    GROUP BY span.began_at
    UNION ALL
    SELECT began_at, '*', 'declined', count(*)
    FROM decided
    WHERE outcome = 'declined'
    GROUP BY began_at
    UNION ALL
    SELECT decided.began_at, verdict.key, verdict.value, count(*)
    FROM decided
    CROSS JOIN LATERAL json_each_text(decided.result::json -> 'verdicts') AS verdict
    WHERE decided.outcome = 'declined' AND verdict.value <> 'false'
    GROUP BY decided.began_at, verdict.key, verdict.value
)
INSERT INTO decisioning.decision_tally (policy_hash, began_at, rule_code, said, cases)
SELECT :policy_hash, began_at, rule_code, said, cases
FROM counted
ON CONFLICT (policy_hash, began_at, rule_code, said) DO NOTHING;

-- name: last_tally
-- The last span that was counted for a version.
-- gives   one row; NULL where nothing is counted yet
-- locks   none
SELECT max(began_at) AS began_at
FROM decisioning.decision_tally
WHERE policy_hash = :policy_hash;

-- name: said_since
-- What a version has said since an instant: counted spans, and what came after them.
-- gives   a row for each rule and verdict; rule '*' are all cases
-- locks   none
WITH recent AS (
    SELECT outcome, result
    FROM decisioning.recorded_decision
    WHERE decided_by = :decided_by AND policy_hash = :policy_hash AND decided_at >= :counted_until
), said AS (
    SELECT rule_code, said, cases
    FROM decisioning.decision_tally
    WHERE policy_hash = :policy_hash AND began_at >= :since AND began_at < :counted_until
    UNION ALL
    SELECT '*', 'decided', count(*) FROM recent
    UNION ALL
    SELECT '*', 'declined', count(*) FROM recent WHERE outcome = 'declined'
    UNION ALL
    SELECT verdict.key, verdict.value, count(*)
    FROM recent
    CROSS JOIN LATERAL json_each_text(recent.result::json -> 'verdicts') AS verdict
    WHERE recent.outcome = 'declined' AND verdict.value <> 'false'
    GROUP BY verdict.key, verdict.value
)
SELECT rule_code, said, sum(cases)::bigint AS cases
FROM said
GROUP BY rule_code, said;

-- name: tripped_since_published
-- Publications whose version's cap has held something back since they became effective.
-- gives   a row for each of those given
-- locks   none
SELECT made.publication_id
FROM decisioning.policy_publication AS made
WHERE made.publication_id = ANY(:publication_ids::bigint[])
  AND EXISTS (
      SELECT FROM decisioning.policy_trip AS trip
      WHERE trip.policy_hash = made.policy_hash AND trip.is_tripped
        AND trip.at >= made.effective_from
  );

-- name: tripped
-- What the caps of some versions hold back now.
-- gives   a row for each version and rule that is held back
-- locks   none
SELECT last.policy_hash, last.rule_code, last.at
FROM (
    SELECT DISTINCT ON (policy_hash, rule_code) policy_hash, rule_code, is_tripped, at
    FROM decisioning.policy_trip
    WHERE policy_hash = ANY(:policy_hashes::text[])
    ORDER BY policy_hash, rule_code, trip_id DESC
) AS last
WHERE last.is_tripped
ORDER BY last.policy_hash, last.rule_code;

-- name: add_trips
-- That a cap began, or ceased, to hold rules back.
-- locks   the version, shared
INSERT INTO decisioning.policy_trip (
    trip_id, policy_hash, rule_code, is_tripped, cases, declined, at
)
SELECT given.trip_id, :policy_hash, given.rule_code, given.is_tripped, :cases, given.declined, :at
FROM unnest(
    :trip_ids::bigint[], :rule_codes::text[], :are_tripped::boolean[], :declined::bigint[]
) AS given (trip_id, rule_code, is_tripped, declined);

-- name: recent_trips
-- What caps began and ceased to hold back, newest first.
-- gives   at most :page rows
-- locks   none
SELECT trip.trip_id, trip.policy_hash, version.code, version.version, trip.rule_code,
       trip.is_tripped, trip.cases, trip.declined, trip.at
FROM decisioning.policy_trip AS trip
JOIN decisioning.policy_version AS version ON version.policy_hash = trip.policy_hash
ORDER BY trip.trip_id DESC
LIMIT :page;
