-- What customers have read about credit.

-- name: add_lesson_read
-- That a customer says to have read a lesson; the first time counts.
-- locks   none but its row
INSERT INTO customers.lesson_read (customer_id, lesson, read_at)
VALUES (:customer_id, :lesson, :read_at)
ON CONFLICT DO NOTHING;

-- name: lessons_read
-- The lessons that a customer has read.
-- gives   a row a lesson
-- locks   none
SELECT lesson
FROM customers.lesson_read
WHERE customer_id = :customer_id
ORDER BY lesson;
