-- The rows that were there before the checks of credit hold to them too.
SET LOCAL lock_timeout = '3s';

ALTER TABLE lending.credit_line VALIDATE CONSTRAINT line_returning_not_negative;
ALTER TABLE lending.credit_line VALIDATE CONSTRAINT line_closed_keeps_nothing;
