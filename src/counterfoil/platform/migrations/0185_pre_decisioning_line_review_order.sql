-- The report on a new version of a review policy reads the lines that were reviewed last.
SET LOCAL lock_timeout = '3s';

-- Has every review, so that it serves what the partial index of outcomes served.
CREATE INDEX line_review_order ON decisioning.line_review (review_id);
DROP INDEX decisioning.line_review_newest;
