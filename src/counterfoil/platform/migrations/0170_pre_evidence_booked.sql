-- A leaf of a command keeps beside the key of its answer what was booked with it: hash of the
-- journals, currency, and what the answer leaves out.
SET LOCAL lock_timeout = '3s';

ALTER TABLE evidence.leaf_staged DROP CONSTRAINT leaf_staged_has_a_body;
ALTER TABLE evidence.leaf_staged ADD CONSTRAINT leaf_staged_has_a_body CHECK (
    CASE WHEN salt IS NULL THEN body IS NULL
         ELSE command_key IS NOT NULL OR body IS NOT NULL END);
