-- What staff and programs hold beyond a role: attributes, cases of customers, trainings. Pages in
-- the trail, and what whoever reads at a desk may see.
SET LOCAL lock_timeout = '3s';

-- To which lender, product, region, purpose or hours somebody is limited. Append-only.
CREATE TABLE platform.attribute_grant (
    grant_id     bigint      NOT NULL,
    -- An operator's name, or `api:` and the client's.
    holder       text        NOT NULL,
    attribute    text        NOT NULL,
    -- `*`: every one, said in so many words.
    value        text        NOT NULL,
    reason       text        NOT NULL,
    granted_by   text        NOT NULL,
    approved_by  text        NOT NULL,
    approval_id  bigint      NOT NULL,
    starts_at    timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL,
    CONSTRAINT attribute_grant_pkey PRIMARY KEY (grant_id),
    CONSTRAINT attribute_is_known CHECK (
        attribute IN ('lender', 'product', 'region', 'purpose', 'hours')),
    CONSTRAINT attribute_has_a_value CHECK (value ~ '^(\*|[0-9A-Za-z][0-9A-Za-z:._-]{0,63})$'),
    CONSTRAINT attribute_has_a_reason CHECK (length(btrim(reason)) > 0),
    CONSTRAINT attribute_by_two CHECK (granted_by <> approved_by AND holder <> approved_by),
    CONSTRAINT attribute_ends_later CHECK (ends_at > starts_at)
);
CREATE INDEX attribute_grant_of ON platform.attribute_grant (holder);

CREATE TABLE platform.attribute_end (
    grant_id  bigint      NOT NULL,
    ended_by  text        NOT NULL,
    reason    text        NOT NULL,
    ended_at  timestamptz NOT NULL,
    CONSTRAINT attribute_end_pkey PRIMARY KEY (grant_id),
    CONSTRAINT attribute_end_of FOREIGN KEY (grant_id)
        REFERENCES platform.attribute_grant (grant_id),
    CONSTRAINT attribute_end_has_a_reason CHECK (length(btrim(reason)) > 0)
);

-- That somebody works on a customer's case, and until when. Append-only.
CREATE TABLE platform.customer_case (
    customer_id  bigint      NOT NULL,
    case_id      bigint      NOT NULL,
    operator     text        NOT NULL,
    -- review, appeal, rights, suspense, overdue; `assigned` where somebody else gave it by hand.
    kind         text        NOT NULL,
    -- Key of what waits in the queue; 0 where it is none.
    subject_id   bigint      NOT NULL,
    reason       text        NOT NULL,
    opened_by    text        NOT NULL,
    opened_at    timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL,
    CONSTRAINT customer_case_pkey PRIMARY KEY (customer_id, case_id),
    CONSTRAINT customer_case_kind_is_known CHECK (
        kind IN ('review', 'appeal', 'rights', 'suspense', 'overdue', 'assigned')),
    CONSTRAINT customer_case_of_a_queue_or_by_another CHECK (
        CASE kind WHEN 'assigned' THEN opened_by <> operator ELSE subject_id > 0 END),
    CONSTRAINT customer_case_has_a_reason CHECK (length(btrim(reason)) > 0),
    CONSTRAINT customer_case_ends_later CHECK (ends_at > opened_at)
);
CREATE INDEX customer_case_of ON platform.customer_case (operator, customer_id);

CREATE TABLE platform.customer_case_end (
    customer_id  bigint      NOT NULL,
    case_id      bigint      NOT NULL,
    ended_by     text        NOT NULL,
    reason       text        NOT NULL,
    ended_at     timestamptz NOT NULL,
    CONSTRAINT customer_case_end_pkey PRIMARY KEY (customer_id, case_id),
    CONSTRAINT customer_case_end_of FOREIGN KEY (customer_id, case_id)
        REFERENCES platform.customer_case (customer_id, case_id),
    CONSTRAINT customer_case_end_has_a_reason CHECK (length(btrim(reason)) > 0)
);

-- That somebody passed a course, and until when it counts. Append-only.
CREATE TABLE platform.training (
    training_id     bigint      NOT NULL,
    holder          text        NOT NULL,
    course_code     text        NOT NULL,
    course_version  integer     NOT NULL,
    -- For which role it was taken.
    role            text        NOT NULL,
    passed_on       date        NOT NULL,
    valid_until     date        NOT NULL,
    recorded_by     text        NOT NULL,
    recorded_at     timestamptz NOT NULL,
    CONSTRAINT training_pkey PRIMARY KEY (training_id),
    CONSTRAINT training_course_is_a_code CHECK (course_code ~ '^[a-z][a-z0-9_-]{0,63}$'),
    CONSTRAINT training_version_counts CHECK (course_version > 0),
    CONSTRAINT training_ends_later CHECK (valid_until >= passed_on),
    CONSTRAINT training_recorded_by_another CHECK (recorded_by <> holder)
);
CREATE INDEX training_of ON platform.training (holder, course_code);

CREATE TRIGGER attribute_grant_stays
BEFORE UPDATE OR DELETE OR TRUNCATE ON platform.attribute_grant
FOR EACH STATEMENT EXECUTE FUNCTION platform.keep_staff_record();
CREATE TRIGGER attribute_end_stays
BEFORE UPDATE OR DELETE OR TRUNCATE ON platform.attribute_end
FOR EACH STATEMENT EXECUTE FUNCTION platform.keep_staff_record();
CREATE TRIGGER customer_case_stays
BEFORE UPDATE OR DELETE OR TRUNCATE ON platform.customer_case
FOR EACH STATEMENT EXECUTE FUNCTION platform.keep_staff_record();
CREATE TRIGGER customer_case_end_stays
BEFORE UPDATE OR DELETE OR TRUNCATE ON platform.customer_case_end
FOR EACH STATEMENT EXECUTE FUNCTION platform.keep_staff_record();
CREATE TRIGGER training_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON platform.training
FOR EACH STATEMENT EXECUTE FUNCTION platform.keep_staff_record();

-- A page shows many: one line of the trail names them all.
ALTER TABLE platform.trail ADD COLUMN customer_ids bigint[] NOT NULL DEFAULT '{}';
CREATE INDEX trail_by_customers ON platform.trail USING gin (customer_ids);

-- The first two digits of an identity number, for whoever may see some regions alone. Gone with
-- the identity data.
CREATE TABLE privacy.customer_region (
    customer_id  bigint NOT NULL,
    region       text   NOT NULL,
    CONSTRAINT customer_region_pkey PRIMARY KEY (customer_id),
    CONSTRAINT customer_region_is_a_province CHECK (region ~ '^[1-9][0-9]$')
);

-- What a customer has with whom: the lenders and products by which reach is measured.
CREATE VIEW reporting.customer_business AS
SELECT customer_id, product_code, lender_id::text AS lender FROM lending.credit_line
UNION
SELECT customer_id, product_code, NULL::text FROM decisioning.application;

-- What waits for a person about a customer: the queues from which a case may be opened.
CREATE VIEW reporting.customer_task AS
SELECT customer_id, 'review' AS kind, review_id AS subject_id
FROM reporting.review WHERE ended_as IS NULL
UNION ALL
SELECT customer_id, 'appeal', appeal_id
FROM reporting.line_appeal WHERE decided_at IS NULL
UNION ALL
SELECT r.customer_id, 'rights', r.request_id
FROM privacy.rights_request AS r
WHERE NOT EXISTS (
    SELECT 1 FROM privacy.rights_event AS e
    WHERE e.customer_id = r.customer_id AND e.request_id = r.request_id
      AND e.act IN ('answered', 'refused', 'withdrawn'))
UNION ALL
SELECT customer_id, 'suspense', payment_id
FROM payments.suspense WHERE approved_at IS NULL
UNION ALL
SELECT l.customer_id, 'overdue', l.loan_id
FROM lending.loan AS l
CROSS JOIN platform.business_date AS d
WHERE l.status = 'open' AND l.oldest_due_date < d.business_date;

-- What is read at a desk. Who reads says so in the transaction; where nobody does, nothing is seen.
CREATE SCHEMA desk;

-- The values that the reader is limited to; NULL where the reader did not say.
CREATE FUNCTION desk.only(of_what text) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT string_to_array(nullif(current_setting('counterfoil.' || of_what, true), ''), ',')
$$;
CREATE FUNCTION desk.every(of_what text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(current_setting('counterfoil.' || of_what, true), '') = '*'
$$;
CREATE FUNCTION desk.as_of() RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT nullif(current_setting('counterfoil.as_of', true), '')::timestamptz
$$;

CREATE VIEW desk.open_case AS
SELECT c.customer_id, c.case_id, c.operator, c.kind, c.subject_id, c.ends_at
FROM platform.customer_case AS c
WHERE c.ends_at > (SELECT desk.as_of())
  AND NOT EXISTS (
      SELECT 1 FROM platform.customer_case_end AS e
      WHERE e.customer_id = c.customer_id AND e.case_id = c.case_id);

-- The customers that the reader may see.
CREATE VIEW desk.reachable AS
SELECT c.customer_id
FROM customers.customer AS c
WHERE ((SELECT desk.every('regions')) OR EXISTS (
          SELECT 1 FROM privacy.customer_region AS r
          WHERE r.customer_id = c.customer_id
            AND r.region = ANY ((SELECT desk.only('regions'))::text[])))
  AND ((SELECT desk.every('cases')) OR EXISTS (
          SELECT 1 FROM desk.open_case AS k
          WHERE k.customer_id = c.customer_id
            AND k.operator = ANY ((SELECT desk.only('cases'))::text[])))
  AND (((SELECT desk.every('products')) AND (SELECT desk.every('lenders'))) OR EXISTS (
          SELECT 1 FROM reporting.customer_business AS b
          WHERE b.customer_id = c.customer_id
            AND ((SELECT desk.every('products'))
                 OR b.product_code = ANY ((SELECT desk.only('products'))::text[]))
            AND ((SELECT desk.every('lenders'))
                 OR b.lender = ANY ((SELECT desk.only('lenders'))::text[]))));

-- Makes the views of a desk over those of `reporting`, again where those have changed. A view with a
-- product or a lender is limited by it as well, every one by the customers that are reachable.
CREATE FUNCTION desk.make_views() RETURNS void LANGUAGE plpgsql AS $make$
DECLARE
    view_name text;
    limits text;
    has_column text;
    setting text;
BEGIN
    FOREACH view_name IN ARRAY ARRAY[
        'loan', 'line', 'application', 'customer', 'payment', 'contract', 'consent',
        'consent_refused', 'inquiry', 'loan_transaction', 'line_event'
    ] LOOP
        limits := $limit$
            (((SELECT desk.every('regions')) AND (SELECT desk.every('cases'))
              AND (SELECT desk.every('products')) AND (SELECT desk.every('lenders')))
             OR r.customer_id IN (SELECT customer_id FROM desk.reachable))$limit$;
        FOREACH has_column IN ARRAY ARRAY['product_code', 'lender_id'] LOOP
            setting := CASE has_column WHEN 'product_code' THEN 'products' ELSE 'lenders' END;
            IF EXISTS (
                SELECT 1 FROM information_schema.columns
                WHERE table_schema = 'reporting' AND table_name = view_name
                  AND column_name = has_column
            ) THEN
                limits := limits || format($limit$
                    AND ((SELECT desk.every(%1$L))
                         OR r.%2$I::text = ANY ((SELECT desk.only(%1$L))::text[]))$limit$,
                    setting, has_column);
            END IF;
        END LOOP;
        EXECUTE format('DROP VIEW IF EXISTS desk.%I', view_name);
        EXECUTE format('CREATE VIEW desk.%1$I AS SELECT r.* FROM reporting.%1$I AS r WHERE %2$s',
            view_name, limits);
    END LOOP;
END $make$;
SELECT desk.make_views();
