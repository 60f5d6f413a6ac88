-- What the person who took a measure said; the line's history shows it when the measure works.
SET LOCAL lock_timeout = '3s';

ALTER TABLE decisioning.line_measure ADD COLUMN said text;
