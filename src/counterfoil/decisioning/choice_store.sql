-- What customers chose about decisions by machine.

-- name: add_choice
-- A customer's word on one choice; the last one holds.
-- locks   none but its row
INSERT INTO decisioning.customer_choice (
    customer_id, choice_id, choice, is_on, chosen_at, channel
)
VALUES (:customer_id, :choice_id, :choice, :is_on, :chosen_at, :channel);

-- name: choices_of
-- The choices of some customers that hold.
-- gives   at most one row a customer and choice
-- locks   none
SELECT DISTINCT ON (customer_id, choice) customer_id, choice, is_on, chosen_at
FROM decisioning.customer_choice
WHERE customer_id = ANY (:customer_ids::bigint[])
ORDER BY customer_id, choice, choice_id DESC;
