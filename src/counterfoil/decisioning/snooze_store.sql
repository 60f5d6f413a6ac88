-- Rules that are suppressed for customers.

-- name: add_snooze
-- A rule that is suppressed for a customer from now on.
-- locks   none but its row
INSERT INTO decisioning.rule_snooze (
    customer_id, snooze_id, purpose, rule_code, reason, asked_by, approved_by, approval_id,
    starts_at, expires_at
) VALUES (
    :customer_id, :snooze_id, :purpose, :rule_code, :reason, :asked_by, :approved_by, :approval_id,
    :starts_at, :expires_at
);

-- name: end_snooze
-- That somebody ends a snooze before its time; ending twice is the same as once.
-- locks   the snooze, shared
INSERT INTO decisioning.rule_snooze_end (customer_id, snooze_id, ended_by, reason, ended_at)
VALUES (:customer_id, :snooze_id, :ended_by, :reason, :ended_at)
ON CONFLICT (customer_id, snooze_id) DO NOTHING;

-- name: active_snoozes
-- Which rules are suppressed for some customers at an instant.
-- gives   a row for each rule and customer
-- locks   none
SELECT snooze.customer_id, snooze.rule_code
FROM decisioning.rule_snooze AS snooze
WHERE snooze.customer_id = ANY(:customer_ids::bigint[]) AND snooze.purpose = :purpose
  AND snooze.starts_at <= :at AND snooze.expires_at > :at
  AND NOT EXISTS (
      SELECT FROM decisioning.rule_snooze_end AS ended
      WHERE ended.customer_id = snooze.customer_id AND ended.snooze_id = snooze.snooze_id
        AND ended.ended_at <= :at
  );

-- name: snoozes_of_customer
-- Every snooze of a customer, newest first.
-- gives   at most :page rows
-- turns   is read to both sides of its key
-- locks   none
SELECT snooze.customer_id, snooze.snooze_id, snooze.purpose, snooze.rule_code, snooze.reason,
       snooze.asked_by, snooze.approved_by, snooze.approval_id, snooze.starts_at,
       snooze.expires_at, ended.ended_at, ended.ended_by
FROM decisioning.rule_snooze AS snooze
LEFT JOIN decisioning.rule_snooze_end AS ended
  ON ended.customer_id = snooze.customer_id AND ended.snooze_id = snooze.snooze_id
WHERE snooze.customer_id = :customer_id AND snooze.snooze_id < /*turns*/ :before
ORDER BY snooze.snooze_id DESC /*turns*/
LIMIT :page;

-- name: snooze
-- One snooze of a customer.
-- gives   at most one row
-- locks   none
SELECT snooze.customer_id, snooze.snooze_id, snooze.purpose, snooze.rule_code, snooze.reason,
       snooze.asked_by, snooze.approved_by, snooze.approval_id, snooze.starts_at,
       snooze.expires_at, ended.ended_at, ended.ended_by
FROM decisioning.rule_snooze AS snooze
LEFT JOIN decisioning.rule_snooze_end AS ended
  ON ended.customer_id = snooze.customer_id AND ended.snooze_id = snooze.snooze_id
WHERE snooze.customer_id = :customer_id AND snooze.snooze_id = :snooze_id;
