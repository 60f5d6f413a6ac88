-- When each line is looked at again; the review touches only what is due.
SET LOCAL lock_timeout = '3s';

CREATE TABLE lending.review_due (
    customer_id     bigint   NOT NULL,
    line_id         bigint   NOT NULL,
    next_review_on  date     NOT NULL,
    -- Why: `periodic`, or the event that brought it forward.
    cause           text     NOT NULL DEFAULT 'periodic',
    -- Whether it is watched for being cured: it is suspended.
    is_watched      boolean  NOT NULL DEFAULT false,
    CONSTRAINT review_due_pkey PRIMARY KEY (customer_id, line_id)
) WITH (fillfactor = 80);
CREATE INDEX review_due_next ON lending.review_due (next_review_on, customer_id, line_id);
CREATE INDEX review_due_watched ON lending.review_due (customer_id, line_id) WHERE is_watched;

-- Every line has its day from the moment it is opened, whoever opens it.
CREATE FUNCTION lending.plan_first_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO lending.review_due (customer_id, line_id, next_review_on)
    SELECT customer_id, line_id, opened_on + 30 FROM opened
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER line_first_review AFTER INSERT ON lending.credit_line
REFERENCING NEW TABLE AS opened
FOR EACH STATEMENT EXECUTE FUNCTION lending.plan_first_review();

-- Lines that there are already, spread over a month so that no day has them all.
INSERT INTO lending.review_due (customer_id, line_id, next_review_on)
SELECT line.customer_id, line.line_id, today.business_date + 1 + (line.line_id % 30)::integer
FROM lending.credit_line AS line
CROSS JOIN platform.business_date AS today
WHERE line.status <> 'closed'
ON CONFLICT DO NOTHING;

-- An event that brings a line's review forward.
CREATE TYPE lending.review_event_v1 AS (
    customer_id bigint, line_id bigint, on_date date, cause text
);
