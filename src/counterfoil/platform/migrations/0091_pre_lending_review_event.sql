-- transaction: none
-- Finds the lines that an event has brought forward, of which there are few among all lines.
CREATE INDEX CONCURRENTLY IF NOT EXISTS review_due_event
    ON lending.review_due (next_review_on, customer_id, line_id) WHERE cause <> 'periodic';
