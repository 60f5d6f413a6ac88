-- Who names whom as of one household.

-- name: add_household_word
-- That somebody names another person, under a consent that is about nobody else.
-- locks   none but its row
INSERT INTO customers.household_word (
    customer_id, word_id, partner_id, consent_id, said_by, said_at
) VALUES (
    :customer_id, :word_id, :partner_id, :consent_id, :said_by, :said_at
);

-- name: household_words
-- Whom a customer named, newest first.
-- gives   at most :page rows
-- locks   none
SELECT partner_id, consent_id, said_at
FROM customers.household_word
WHERE customer_id = :customer_id
ORDER BY word_id DESC
LIMIT :page;

-- name: household_pairs
-- Pairs who named each other, with the consents of both words; whether they run is not said.
-- gives   one row a pair of words
-- locks   none
SELECT own.customer_id, own.partner_id, own.consent_id, other.consent_id AS partner_consent_id
FROM customers.household_word AS own
JOIN customers.household_word AS other
  ON other.customer_id = own.partner_id AND other.partner_id = own.customer_id
WHERE own.customer_id = ANY (:customer_ids::bigint[])
ORDER BY own.customer_id, own.partner_id, own.consent_id, other.consent_id;
