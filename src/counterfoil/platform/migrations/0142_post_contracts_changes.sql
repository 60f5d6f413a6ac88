-- The checks that a version before this one could still have broken while it ran.
SET LOCAL lock_timeout = '3s';

ALTER TABLE contracts.contract VALIDATE CONSTRAINT contract_state_known;
ALTER TABLE contracts.contract VALIDATE CONSTRAINT contract_changes_known;
ALTER TABLE contracts.contract VALIDATE CONSTRAINT contract_binds_by_change;
