-- Who took a request for a person's look back may ask again: one open review a decision, as before.
SET LOCAL lock_timeout = '3s';

ALTER TABLE decisioning.review
    ADD COLUMN round smallint NOT NULL DEFAULT 1,
    DROP CONSTRAINT review_once,
    ADD CONSTRAINT review_once UNIQUE (customer_id, about, subject_id, decision_no, round);
