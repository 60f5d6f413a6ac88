-- Roles of those who look after the system, and of agencies: both see customers as pseudonyms.
SET LOCAL lock_timeout = '3s';

ALTER TABLE platform.operator
    DROP CONSTRAINT operator_role_is_known,
    ADD CONSTRAINT operator_role_is_known CHECK (role IN (
        'administrator', 'operations', 'collector', 'risk_analyst', 'compliance', 'auditor',
        'finance', 'support', 'agency'
    ));
