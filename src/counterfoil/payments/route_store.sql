-- name: add_routes
-- What was decided of payments' ways; one that waits for the same reasons as before gets no row.
-- gives   nothing
-- locks   nothing; the payments are held by the caller
INSERT INTO payments.route (
    customer_id, payment_id, route_no, rail, passed_rails, obstacles, waits_until, decided_at)
SELECT r.customer_id, r.payment_id, coalesce(l.route_no, 0) + 1, r.rail,
       CASE WHEN r.passed_rails = '' THEN '{}' ELSE string_to_array(r.passed_rails, ',') END,
       CASE WHEN r.obstacles = '' THEN '{}' ELSE string_to_array(r.obstacles, ',') END,
       r.waits_until, :now::timestamptz
FROM unnest(
    :customer_ids::bigint[], :payment_ids::bigint[], :rails::text[], :passed_rails::text[],
    :obstacles::text[], :waits_until::timestamptz[]
) AS r (customer_id, payment_id, rail, passed_rails, obstacles, waits_until)
LEFT JOIN LATERAL (
    SELECT t.route_no, t.rail, array_to_string(t.passed_rails, ',') AS passed_rails,
           array_to_string(t.obstacles, ',') AS obstacles
    FROM payments.route AS t
    WHERE t.customer_id = r.customer_id AND t.payment_id = r.payment_id
    ORDER BY t.route_no DESC LIMIT 1) AS l ON true
WHERE r.rail IS NOT NULL
   OR l.route_no IS NULL
   OR (l.passed_rails, l.obstacles) <> (r.passed_rails, r.obstacles);

-- name: lock_rail_days
-- What was given to rails on their dates, held until it was counted up.
-- gives   a row per rail
-- locks   the days of the rails, in the order of their codes
INSERT INTO payments.rail_day AS d (rail, on_date, sent_minor, sent_count)
SELECT w.rail, w.on_date, 0, 0
FROM unnest(:rails::text[], :on_dates::date[]) AS w (rail, on_date)
ORDER BY w.rail
ON CONFLICT (rail, on_date) DO UPDATE SET sent_minor = d.sent_minor
RETURNING rail, sent_minor, sent_count;

-- name: count_rail_days
-- What rails were given on their dates, all in all.
-- gives   nothing
-- locks   the days of the rails, held already
UPDATE payments.rail_day AS d
SET sent_minor = w.sent_minor, sent_count = w.sent_count
FROM unnest(
    :rails::text[], :on_dates::date[], :sents_minor::bigint[], :sent_counts::integer[]
) AS w (rail, on_date, sent_minor, sent_count)
WHERE d.rail = w.rail AND d.on_date = w.on_date;

-- name: closed_by_hand
-- Rails that people closed and have not opened since; '*' is all of them.
-- gives   their codes
-- locks   none
SELECT s.rail
FROM (SELECT DISTINCT ON (rail) rail, is_closed FROM payments.rail_switch
      ORDER BY rail, switch_id DESC) AS s
WHERE s.is_closed;

-- name: last_switches
-- How each rail was last switched by hand.
-- gives   at most one row a rail
-- locks   none
SELECT DISTINCT ON (rail) rail, is_closed, reason, switched_by, approved_by, switched_at
FROM payments.rail_switch
ORDER BY rail, switch_id DESC;

-- name: add_switch
-- A rail was closed or opened by hand.
-- gives   nothing
-- locks   nothing
INSERT INTO payments.rail_switch (
    switch_id, rail, is_closed, reason, switched_by, approval_id, approved_by, switched_at)
VALUES (
    :switch_id, :rail, :is_closed, :reason, :switched_by, :approval_id, :approved_by,
    :switched_at);

-- name: routes_of_payment
-- How a payment came to its rail.
-- gives   the decisions in order
-- locks   none
SELECT route_no, rail, passed_rails, obstacles, waits_until, decided_at
FROM payments.route
WHERE customer_id = :customer_id AND payment_id = :payment_id
ORDER BY route_no;

-- name: rail_figures
-- How the rails stand: what waits for a rail, what is out, and how the calls since a moment went.
-- gives   a row per rail that has or had something
-- locks   none
WITH open_now AS (
    SELECT p.rail,
           count(*) FILTER (WHERE p.status = 'held') AS held,
           coalesce(sum(p.amount_minor) FILTER (WHERE p.status = 'held'), 0)::bigint
               AS held_minor,
           min(p.created_at) FILTER (WHERE p.status = 'held') AS held_since,
           count(*) FILTER (WHERE p.status = 'sent') AS sent,
           count(*) FILTER (WHERE p.status = 'unknown') AS in_doubt,
           count(*) FILTER (WHERE p.suspended_at IS NOT NULL) AS suspended
    FROM payments.payment AS p
    WHERE p.direction = 'out' AND p.finished_at IS NULL
    GROUP BY p.rail
), calls AS (
    SELECT p.rail, count(*) AS calls,
           count(*) FILTER (WHERE a.answer = 'no_answer') AS silent,
           count(*) FILTER (WHERE a.answer = 'declined') AS declined,
           (percentile_disc(0.95) WITHIN GROUP (
               ORDER BY extract(epoch FROM a.received_at - t.started_at) * 1000))::bigint
               AS p95_ms
    FROM payments.payment_attempt AS t
    JOIN payments.payment_answer AS a USING (customer_id, payment_id, act_no)
    JOIN payments.payment AS p USING (customer_id, payment_id)
    WHERE p.direction = 'out' AND p.sent_on >= :since_on::date
      AND t.started_at >= :since::timestamptz
    GROUP BY p.rail
)
SELECT coalesce(o.rail, c.rail) AS rail, coalesce(o.held, 0) AS held,
       coalesce(o.held_minor, 0) AS held_minor, o.held_since, coalesce(o.sent, 0) AS sent,
       coalesce(o.in_doubt, 0) AS in_doubt, coalesce(o.suspended, 0) AS suspended,
       coalesce(c.calls, 0) AS calls, coalesce(c.silent, 0) AS silent,
       coalesce(c.declined, 0) AS declined, c.p95_ms
FROM open_now AS o FULL JOIN calls AS c USING (rail)
ORDER BY 1;

-- name: queued_payments
-- Payments that wait for a rail, with why, the oldest first.
-- gives   at most :page rows after the key given: payment and customer
-- turns   is read to both sides of its key
-- locks   none
SELECT p.customer_id, p.payment_id, p.amount_minor, p.currency, p.rail, p.created_at,
       p.next_act_at, r.passed_rails, r.obstacles, r.waits_until
FROM payments.payment AS p
LEFT JOIN LATERAL (
    SELECT t.passed_rails, t.obstacles, t.waits_until FROM payments.route AS t
    WHERE t.customer_id = p.customer_id AND t.payment_id = p.payment_id
    ORDER BY t.route_no DESC LIMIT 1) AS r ON true
WHERE p.direction = 'out' AND p.status = 'held' AND p.finished_at IS NULL
  AND (p.payment_id, p.customer_id) > /*turns*/ (:payment_id::bigint, :customer_id::bigint)
ORDER BY p.payment_id ASC /*turns*/, p.customer_id ASC /*turns*/
LIMIT :page;

-- name: rerouted_payments
-- Payments that did not go over the first rail, with why, the newest first.
-- gives   at most :page rows before the key given: payment and number of its route
-- turns   is read to both sides of its key
-- locks   none
SELECT r.route_no, r.customer_id, r.payment_id, r.rail, r.passed_rails, r.obstacles, r.decided_at,
       p.amount_minor, p.currency, p.status
FROM payments.route AS r
JOIN payments.payment AS p USING (customer_id, payment_id)
WHERE r.rail IS NOT NULL AND r.passed_rails <> '{}'
  AND (r.payment_id, r.route_no) < /*turns*/ (:payment_id::bigint, :route_no::bigint)
ORDER BY r.payment_id DESC /*turns*/, r.route_no DESC /*turns*/
LIMIT :page;
