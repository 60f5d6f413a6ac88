-- Reviews of lines as they are kept.

-- name: add_reviews
-- New reviews; one of the same line, day and cause as another is left out.
-- gives   the reviews that were written
-- locks   none but its rows
INSERT INTO decisioning.line_review (
    customer_id, review_id, line_id, product_code, cause, business_date, outcome, acted, reasons,
    proposals, from_minor, to_minor, valid_until, report_id, policy_hash, policy_version, inputs,
    result, decided_at, record_version, rule_pack, feature_registry
)
SELECT given.customer_id, given.review_id, given.line_id, given.product_code, given.cause,
       :business_date, given.outcome, string_to_array(given.acted, ','),
       string_to_array(given.reasons, ','), string_to_array(given.proposals, ','),
       given.from_minor, given.to_minor, given.valid_until, given.report_id, :policy_hash,
       :policy_version, given.inputs, given.result, :decided_at, :record_version, given.rule_pack,
       given.feature_registry
FROM unnest(
    :customer_ids::bigint[], :review_ids::bigint[], :line_ids::bigint[], :product_codes::text[],
    :causes::text[], :outcomes::text[], :acted::text[], :reasons::text[], :proposals::text[],
    :from_minor::bigint[], :to_minor::bigint[], :valid_until::date[], :report_ids::bigint[],
    :inputs::text[], :results::text[], :rule_packs::text[], :feature_registries::text[]
) AS given (
    customer_id, review_id, line_id, product_code, cause, outcome, acted, reasons, proposals,
    from_minor, to_minor, valid_until, report_id, inputs, result, rule_pack, feature_registry
)
ON CONFLICT DO NOTHING
RETURNING customer_id, review_id;

-- name: reviews_of_line
-- The reviews of one line, newest first.
-- gives   at most :page rows before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT r.customer_id, r.review_id, r.line_id, r.product_code, r.cause, r.business_date, r.outcome,
       r.acted, r.reasons, r.proposals, r.from_minor, r.to_minor, r.valid_until, r.report_id,
       r.policy_hash, r.policy_version, r.inputs, r.result, r.decided_at, r.record_version,
       r.rule_pack, r.feature_registry
FROM decisioning.line_review AS r
WHERE r.customer_id = :customer_id AND r.line_id = :line_id AND r.review_id < /*turns*/ :before
ORDER BY r.review_id DESC /*turns*/
LIMIT :page;

-- name: review
-- One review.
-- gives   at most one row
-- locks   none
SELECT r.customer_id, r.review_id, r.line_id, r.product_code, r.cause, r.business_date, r.outcome,
       r.acted, r.reasons, r.proposals, r.from_minor, r.to_minor, r.valid_until, r.report_id,
       r.policy_hash, r.policy_version, r.inputs, r.result, r.decided_at, r.record_version,
       r.rule_pack, r.feature_registry
FROM decisioning.line_review AS r
WHERE r.customer_id = :customer_id AND r.review_id = :review_id;

-- name: reviews_page
-- Reviews of all customers in the order of their keys, to make them again; of one where given.
-- gives   at most :page rows after the key given
-- locks   none
SELECT r.customer_id, r.review_id, r.line_id, r.outcome, r.acted, r.reasons, r.to_minor,
       r.policy_hash, r.inputs, r.result
FROM decisioning.line_review AS r
WHERE (r.customer_id, r.review_id) > (:customer_id, :review_id)
  AND (:only_review::bigint IS NULL OR r.review_id = :only_review)
ORDER BY r.customer_id, r.review_id
LIMIT :page;

-- name: reviews_newest
-- Reviews of all lines, those made last first.
-- gives   at most :page rows before the number given
-- locks   none
SELECT r.customer_id, r.review_id, r.line_id, r.outcome, r.acted, r.reasons, r.to_minor,
       r.policy_hash, r.inputs, r.result
FROM decisioning.line_review AS r
WHERE r.review_id < :before
ORDER BY r.review_id DESC
LIMIT :page;

-- name: reviews_of_range
-- Reviews of the lines of a range of customers.
-- gives   the reviews of customers after one and up to another
-- locks   none
SELECT r.customer_id, r.review_id, r.line_id, r.policy_hash, r.inputs, r.result
FROM decisioning.line_review AS r
WHERE r.customer_id > :after AND r.customer_id <= :through
ORDER BY r.customer_id, r.review_id;

-- name: count_since
-- What a version has reviewed since an instant.
-- gives   one row
-- locks   none
SELECT count(*) AS reviews,
       count(*) FILTER (WHERE r.outcome IN ('lowered', 'frozen', 'suspended')) AS adverse
FROM decisioning.line_review AS r
WHERE r.policy_hash = :policy_hash AND r.decided_at > :since;

-- name: adverse_rules_since
-- On which rules measures since an instant rest.
-- gives   one row a rule
-- locks   none
SELECT rule.code, count(*) AS reviews
FROM decisioning.line_review AS r
CROSS JOIN LATERAL unnest(r.acted) AS rule (code)
WHERE r.policy_hash = :policy_hash AND r.decided_at > :since
  AND r.outcome IN ('lowered', 'frozen', 'suspended')
GROUP BY rule.code;

-- name: keep_review_policy
-- A version before it reviews, so that its reviews can be made again.
-- gives   nothing
-- locks   none
INSERT INTO decisioning.policy_version (policy_hash, code, version, document, first_used_at)
VALUES (:policy_hash, :code, :version, :document, :first_used_at)
ON CONFLICT DO NOTHING;

-- name: review_policy_document
-- The document of a version.
-- gives   at most one row
-- locks   none
SELECT v.document
FROM decisioning.policy_version AS v
WHERE v.policy_hash = :policy_hash;

-- name: published_review_policies
-- The version for a purpose that was published last and decides by now, and the one before it;
-- whether its cap has held something back since.
-- gives   at most two rows, the newest first
-- locks   none
SELECT v.document, p.publication_id,
       EXISTS (
           SELECT FROM decisioning.policy_trip AS t
           WHERE t.policy_hash = p.policy_hash AND t.is_tripped AND t.at >= p.effective_from
       ) AS has_tripped
FROM decisioning.policy_publication AS p
JOIN decisioning.policy_version AS v USING (policy_hash)
WHERE p.purpose = :purpose AND p.effective_from <= :at
ORDER BY p.effective_from DESC, p.publication_id DESC
LIMIT 2;

-- name: add_declined_offer
-- A customer declines what a review offers; declined twice it stands there once.
-- locks   none but its row
INSERT INTO decisioning.line_offer_declined (customer_id, review_id, channel, declined_at)
VALUES (:customer_id, :review_id, :channel, :declined_at)
ON CONFLICT (customer_id, review_id) DO NOTHING;

-- name: declined_offers
-- Which of a customer's reviews made an offer that was declined.
-- gives   at most one row a review
-- locks   none
SELECT review_id
FROM decisioning.line_offer_declined
WHERE customer_id = :customer_id AND review_id = ANY(:review_ids::bigint[]);
