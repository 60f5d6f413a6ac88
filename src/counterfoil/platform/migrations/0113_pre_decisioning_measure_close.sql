-- Closing a line is a measure as well: with a reason, an author, a notice and an appeal.
SET LOCAL lock_timeout = '3s';

ALTER TABLE decisioning.line_measure
    DROP CONSTRAINT line_measure_kind_is_known,
    ADD CONSTRAINT line_measure_kind_is_known
        CHECK (kind IN ('lower', 'freeze', 'suspend', 'close')) NOT VALID;
ALTER TABLE decisioning.line_measure VALIDATE CONSTRAINT line_measure_kind_is_known;
