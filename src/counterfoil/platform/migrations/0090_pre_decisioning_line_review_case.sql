-- What reviews of lines leave to people: a queue with a clock, one open case a line.
SET LOCAL lock_timeout = '3s';

CREATE TABLE decisioning.line_review_case (
    customer_id   bigint      NOT NULL,
    case_id       bigint      NOT NULL,
    line_id       bigint      NOT NULL,
    -- The review that left it to people first; later ones of the line add nothing while it is open.
    review_id     bigint      NOT NULL,
    -- What is asked for: `close`, `look`, or both.
    proposals     text[]      NOT NULL,
    opened_at     timestamptz NOT NULL,
    due_on        date        NOT NULL,
    status        text        NOT NULL DEFAULT 'open',
    taken_by      text,
    taken_at      timestamptz,
    -- How a person ended it: `keep`, `lower`, `freeze`, `suspend` or `close`.
    decision      text,
    to_minor      bigint,
    decided_by    text,
    -- The second person, where the decision is wide.
    agreed_by     text,
    reason        text,
    decided_at    timestamptz,
    -- The measure that followed.
    measure_id    bigint,
    CONSTRAINT line_review_case_pkey PRIMARY KEY (customer_id, case_id),
    CONSTRAINT line_review_case_of_a_review FOREIGN KEY (customer_id, review_id)
        REFERENCES decisioning.line_review (customer_id, review_id),
    CONSTRAINT line_review_case_status_is_known CHECK (status IN ('open', 'taken', 'decided')),
    CONSTRAINT line_review_case_taken_by_somebody CHECK (
        status <> 'taken' OR (taken_by IS NOT NULL AND taken_at IS NOT NULL)
    ),
    CONSTRAINT line_review_case_decision_is_known CHECK (
        decision IS NULL OR decision IN ('keep', 'lower', 'freeze', 'suspend', 'close')
    ),
    CONSTRAINT line_review_case_decision_is_complete CHECK (
        (status = 'decided') = (decided_at IS NOT NULL)
        AND (decided_at IS NULL) = (decision IS NULL)
        AND (decided_at IS NULL) = (decided_by IS NULL)
        AND (decided_by IS NULL OR length(btrim(reason)) > 0)
    ),
    CONSTRAINT line_review_case_two_people CHECK (agreed_by IS NULL OR agreed_by <> decided_by)
);
CREATE UNIQUE INDEX line_review_case_already_open
    ON decisioning.line_review_case (customer_id, line_id) WHERE status <> 'decided';
CREATE INDEX line_review_case_queue ON decisioning.line_review_case (due_on, case_id)
    WHERE status <> 'decided';
CREATE INDEX line_review_case_review ON decisioning.line_review_case (customer_id, review_id);

CREATE VIEW reporting.line_review_case AS
SELECT customer_id, case_id, line_id, review_id, proposals, opened_at, due_on, status, taken_by,
       taken_at, decision, to_minor, decided_by, agreed_by, decided_at, measure_id
FROM decisioning.line_review_case;
