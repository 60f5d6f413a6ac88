-- How matters stand, as lines of the trail tell it before and after an act: codes, days and counts,
-- never a particular of a person. Everything that acts change and that has a number has a view here
-- or an older one.
SET LOCAL lock_timeout = '3s';

CREATE VIEW reporting.mandate AS
SELECT m.customer_id, m.mandate_id, m.starts_on, m.ends_on, m.signed_at IS NOT NULL AS is_signed,
       m.revoked_at IS NOT NULL AS is_revoked
FROM payments.mandate AS m;

CREATE VIEW reporting.identity_case AS
SELECT c.customer_id, c.case_id, c.holds, c.closed_at IS NOT NULL AS is_closed
FROM customers.identity_case AS c;

CREATE VIEW reporting.contact_case AS
SELECT c.customer_id, c.case_id, c.status, c.attempts, c.due_on
FROM customers.contact_case AS c;

CREATE VIEW reporting.call_request AS
SELECT c.customer_id, c.call_id, c.status, c.missed, c.due_on
FROM customers.call_request AS c;

-- The values of a setting may be an account or an address: they stay with the request.
CREATE VIEW reporting.setting_request AS
SELECT r.customer_id, r.request_id, r.setting, r.status, r.code_attempts
FROM customers.setting_request AS r;

CREATE VIEW reporting.address_request AS
SELECT r.customer_id, r.request_id, r.channel, r.code_attempts,
       r.confirmed_at IS NOT NULL AS is_confirmed
FROM customers.address_request AS r;

CREATE VIEW reporting.message AS
SELECT m.customer_id, m.message_id, m.kind, m.status, m.attempts
FROM customers.message AS m;

-- The last act on a request is where it stands.
CREATE VIEW reporting.rights_request AS
SELECT r.customer_id, r.request_id, r.kind, r.due_on,
       (SELECT e.act FROM privacy.rights_event AS e
        WHERE e.customer_id = r.customer_id AND e.request_id = r.request_id
        ORDER BY e.event_no DESC LIMIT 1) AS last_act
FROM privacy.rights_request AS r;

CREATE VIEW reporting.legal_hold AS
SELECT h.customer_id, h.hold_id, h.lifted_at IS NOT NULL AS is_lifted
FROM privacy.legal_hold AS h;

CREATE VIEW reporting.feature_correction AS
SELECT c.customer_id, c.correction_id, c.remedy, e.is_taken
FROM features.correction AS c
LEFT JOIN features.correction_end AS e
       ON e.customer_id = c.customer_id AND e.correction_id = c.correction_id;

CREATE VIEW reporting.limit_request AS
SELECT r.customer_id, r.request_id, r.status, r.outcome, r.present_minor, r.limit_minor, r.agreed
FROM decisioning.limit_request AS r;

CREATE VIEW reporting.line_signal AS
SELECT s.customer_id, s.signal_id, s.kind, s.noted_on, s.cleared_at IS NOT NULL AS is_cleared
FROM decisioning.line_signal AS s;

CREATE VIEW reporting.hosted_page AS
SELECT p.customer_id, p.page_id, p.act, p.state
FROM hosts.page AS p;

CREATE VIEW reporting.host_payee AS
SELECT p.customer_id, p.payee_id, p.withdrawn_at IS NOT NULL AS is_withdrawn
FROM hosts.payee AS p;

CREATE VIEW reporting.host_delivery AS
SELECT d.customer_id, d.delivery_id, d.kind, d.state, d.attempts
FROM hosts.delivery AS d;

-- What drawdowns hold of a purchase or have paid of it.
CREATE VIEW reporting.scene_purchase AS
SELECT p.customer_id, p.purchase_id, p.scene, p.price_minor,
       coalesce((SELECT sum(u.amount_minor) FROM lending.scene_use AS u
                 WHERE u.customer_id = p.customer_id AND u.purchase_id = p.purchase_id), 0)::bigint
           AS used_minor
FROM lending.scene_purchase AS p;

-- Of the house, about no customer.
CREATE VIEW reporting.approval AS
SELECT a.approval_id, a.kind, a.is_approved, a.used_at IS NOT NULL AS is_used
FROM platform.approval AS a;

CREATE VIEW reporting.scene_merchant AS
SELECT m.merchant_id, max(m.version_no) AS version_no,
       EXISTS (SELECT FROM lending.scene_closure AS c WHERE c.merchant_id = m.merchant_id)
           AS is_closed
FROM lending.scene_payee AS m
GROUP BY m.merchant_id;

CREATE VIEW reporting.host AS
SELECT v.host_id, v.version_no, v.contract_until,
       EXISTS (SELECT FROM hosts.host_stop AS s
               WHERE s.host_id = v.host_id AND s.version_no = v.version_no) AS is_stopped
FROM hosts.host_version AS v
WHERE v.version_no = (SELECT max(n.version_no) FROM hosts.host_version AS n
                      WHERE n.host_id = v.host_id);

CREATE VIEW reporting.campaign AS
SELECT c.campaign_id, c.quota, c.expires_on,
       (SELECT count(*) FROM hosts.invitation AS i
        WHERE i.campaign_id = c.campaign_id AND i.ended_at IS NULL) AS open_invitations
FROM hosts.campaign AS c;
