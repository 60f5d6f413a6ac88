-- What staff and programs hold beyond a role: attributes, cases, trainings; and what that reaches.

-- name: grants_of
-- Every attribute that a holder was ever given, ended and expired ones too.
-- gives   one row a grant; of everybody where no holder is named
-- locks   none
SELECT g.grant_id, g.holder, g.attribute, g.value, g.reason, g.granted_by, g.approved_by,
       g.starts_at, least(g.ends_at, e.ended_at) AS ends_at
FROM platform.attribute_grant AS g
LEFT JOIN platform.attribute_end AS e ON e.grant_id = g.grant_id
WHERE :holder::text IS NULL OR g.holder = :holder
ORDER BY g.holder, g.attribute, g.grant_id;

-- name: grants_of_programs
-- Every attribute that a program was ever given, for the cache of keys.
-- gives   one row a grant
-- locks   none
SELECT g.grant_id, g.holder, g.attribute, g.value, g.reason, g.granted_by, g.approved_by,
       g.starts_at, least(g.ends_at, e.ended_at) AS ends_at
FROM platform.attribute_grant AS g
LEFT JOIN platform.attribute_end AS e ON e.grant_id = g.grant_id
WHERE g.holder LIKE 'api:%'
ORDER BY g.grant_id;

-- name: add_grant
-- An attribute that two people gave.
-- locks   none but its row
INSERT INTO platform.attribute_grant (
    grant_id, holder, attribute, value, reason, granted_by, approved_by, approval_id, starts_at,
    ends_at
) VALUES (
    :grant_id, :holder, :attribute, :value, :reason, :granted_by, :approved_by, :approval_id,
    :starts_at, :ends_at
);

-- name: end_grant
-- An attribute is taken away before its time; changes nothing where it was already, or never was.
-- locks   none but its row
INSERT INTO platform.attribute_end (grant_id, ended_by, reason, ended_at)
SELECT g.grant_id, :ended_by, :reason, :now
FROM platform.attribute_grant AS g
WHERE g.grant_id = :grant_id
ON CONFLICT (grant_id) DO NOTHING;

-- name: trainings_of
-- What a holder passed, the longest valid first; of everybody where no holder is named.
-- gives   one row a course passed
-- locks   none
SELECT training_id, holder, course_code, course_version, role, passed_on, valid_until, recorded_by,
       recorded_at
FROM platform.training
WHERE :holder::text IS NULL OR holder = :holder
ORDER BY holder, course_code, valid_until DESC, training_id DESC;

-- name: add_training
-- A course that was passed.
-- locks   none but its row
INSERT INTO platform.training (
    training_id, holder, course_code, course_version, role, passed_on, valid_until, recorded_by,
    recorded_at
) VALUES (
    :training_id, :holder, :course_code, :course_version, :role, :passed_on, :valid_until,
    :recorded_by, :recorded_at
);

-- name: tasks_of
-- What waits for a person about a customer.
-- gives   one row a task, at most :page
-- locks   none
SELECT kind, subject_id
FROM reporting.customer_task
WHERE customer_id = :customer_id AND kind = ANY (:kinds::text[])
ORDER BY kind, subject_id
LIMIT :page;

-- name: add_case
-- A case of a customer begins for one person.
-- locks   none but its row
INSERT INTO platform.customer_case (
    customer_id, case_id, operator, kind, subject_id, reason, opened_by, opened_at, ends_at
) VALUES (
    :customer_id, :case_id, :operator, :kind, :subject_id, :reason, :opened_by, :opened_at, :ends_at
);

-- name: end_case
-- A case ends before its time; changes nothing where it has, or never was.
-- locks   none but its row
INSERT INTO platform.customer_case_end (customer_id, case_id, ended_by, reason, ended_at)
SELECT c.customer_id, c.case_id, :ended_by, :reason, :now
FROM platform.customer_case AS c
WHERE c.customer_id = :customer_id AND c.case_id = :case_id
ON CONFLICT (customer_id, case_id) DO NOTHING;

-- name: cases
-- Cases, newest first: of one person or one customer where they are named.
-- gives   at most :page rows before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT c.customer_id, c.case_id, c.operator, c.kind, c.subject_id, c.reason, c.opened_by,
       c.opened_at, least(c.ends_at, e.ended_at) AS ends_at
FROM platform.customer_case AS c
LEFT JOIN platform.customer_case_end AS e
  ON e.customer_id = c.customer_id AND e.case_id = c.case_id
WHERE (:operator::text IS NULL OR c.operator = :operator)
  AND (:customer_id::bigint IS NULL OR c.customer_id = :customer_id)
  AND (:open_at::timestamptz IS NULL OR least(c.ends_at, e.ended_at) > :open_at)
  AND c.case_id < /*turns*/ :before
ORDER BY c.case_id DESC /*turns*/
LIMIT :page;

-- name: set_reach
-- Says for this transaction who reads, and what that reaches.
-- gives   one row
-- locks   none
SELECT set_config('counterfoil.lenders', :lenders, true),
       set_config('counterfoil.products', :products, true),
       set_config('counterfoil.offers', :offers, true),
       set_config('counterfoil.regions', :regions, true),
       set_config('counterfoil.cases', :cases, true),
       set_config('counterfoil.as_of', :as_of, true);

-- name: matters_within
-- Those of some matters that the reader of this transaction may see: of customers in reach, and of
-- no other product or lender.
-- gives   one row a matter
-- locks   none
SELECT w.customer_id, w.kind, w.number
FROM unnest(:customer_ids::bigint[], :kinds::text[], :numbers::bigint[])
    AS w (customer_id, kind, number)
WHERE EXISTS (
    SELECT 1 FROM desk.reachable AS r WHERE r.customer_id = w.customer_id)
  AND NOT EXISTS (
    SELECT 1 FROM desk.foreign_matter AS m
    WHERE m.customer_id = w.customer_id AND m.number = w.number AND m.kind = w.kind);

-- name: whose_task
-- Who works on a task: it was assigned to them, or they opened a case of it; not of those who left.
-- gives   at most one row
-- locks   none
SELECT o.name
FROM platform.operator AS o
WHERE o.disabled_at IS NULL AND o.name <> :operator
  AND (EXISTS (
      SELECT 1 FROM reporting.customer_task AS t
      WHERE t.customer_id = :customer_id AND t.kind = :kind AND t.subject_id = :subject_id
        AND t.taken_by = o.name)
    OR EXISTS (
      SELECT 1 FROM platform.customer_case AS c
      WHERE c.customer_id = :customer_id AND c.kind = :kind AND c.subject_id = :subject_id
        AND c.operator = o.name AND c.ends_at > :now
        AND NOT EXISTS (
            SELECT 1 FROM platform.customer_case_end AS e
            WHERE e.customer_id = c.customer_id AND e.case_id = c.case_id)))
ORDER BY o.name
LIMIT 1;

-- name: beyond_reach
-- How much of what is named the reader of this transaction may not see.
-- gives   one row
-- locks   none
SELECT (SELECT count(*) FROM unnest(:customer_ids::bigint[]) AS wanted (customer_id)
        WHERE NOT EXISTS (
            SELECT 1 FROM desk.reachable AS r
            WHERE r.customer_id = wanted.customer_id)) AS customers,
       (SELECT count(*) FROM unnest(:kinds::text[], :numbers::bigint[]) AS wanted (kind, number)
        WHERE EXISTS (
            SELECT 1 FROM desk.foreign_matter AS m
            WHERE m.customer_id = ANY (:customer_ids) AND m.number = wanted.number
              AND m.kind = wanted.kind)
           OR wanted.kind = ANY (:of_a_line::text[]) AND NOT EXISTS (
            SELECT 1 FROM reporting.matter AS m
            WHERE m.customer_id = ANY (:customer_ids) AND m.number = wanted.number
              AND m.kind = wanted.kind)) AS matters,
       (SELECT min(k.case_id) FROM desk.open_case AS k
        WHERE k.customer_id = ANY (:customer_ids) AND k.operator = :operator) AS case_id;

-- name: owner_of
-- Whose record a number is, where it has a product, is a leaf or a journal, or is the customer's own.
-- gives   at most one row
-- locks   none
SELECT customer_id FROM reporting.customer WHERE :kind::text = 'cu' AND customer_id = :number::bigint
UNION ALL
SELECT customer_id FROM reporting.matter WHERE kind = :kind AND number = :number
UNION ALL
SELECT customer_id FROM reporting.leaf WHERE :kind = 'lf' AND leaf_id = :number
UNION ALL
SELECT customer_id FROM reporting.leaf_staged WHERE :kind = 'lf' AND leaf_id = :number
UNION ALL
SELECT customer_id FROM reporting.journal WHERE :kind = 'jr' AND journal_id = :number
LIMIT 1;
