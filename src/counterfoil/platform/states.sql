-- The states of what acts are about, as lines of the trail tell them before and after: what acts
-- change, never a particular of a person. What is unknown is left out.

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_ln
-- A credit line.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'status=' || l.status, 'limit_minor=' || l.limit_minor,
                 'credit_minor=' || l.credit_minor, 'frozen_until=' || l.frozen_until,
                 'repayment_day=' || l.repayment_day) AS state
FROM reporting.line AS l
WHERE l.customer_id = :customer_id AND l.line_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_lo
-- A loan.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'status=' || l.status, 'principal_minor=' || l.principal_minor,
                 'tenor_months=' || l.tenor_months, 'next_due_date=' || l.next_due_date) AS state
FROM reporting.loan AS l
WHERE l.customer_id = :customer_id AND l.loan_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_ap
-- An application.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'status=' || a.status, 'outcome=' || a.outcome,
                 'limit_minor=' || a.limit_minor) AS state
FROM reporting.application AS a
WHERE a.customer_id = :customer_id AND a.application_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_cs
-- A consent.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'status=' || c.status, 'uses=' || c.uses) AS state
FROM reporting.consent AS c
WHERE c.customer_id = :customer_id AND c.consent_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_ct
-- A contract.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'state=' || c.state, 'limit_minor=' || c.limit_minor,
                 'effective_on=' || c.effective_on) AS state
FROM reporting.contract AS c
WHERE c.customer_id = :customer_id AND c.contract_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_rv
-- A look by a person at a decision.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'outcome=' || r.outcome, 'ended_as=' || r.ended_as) AS state
FROM reporting.review AS r
WHERE r.customer_id = :customer_id AND r.review_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_lm
-- A measure on a line.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'kind=' || m.kind, 'status=' || m.status, 'to_minor=' || m.to_minor,
                 'ends_on=' || m.ends_on) AS state
FROM reporting.line_measure AS m
WHERE m.customer_id = :customer_id AND m.measure_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_la
-- An appeal against a measure.
-- gives   at most one row
-- locks   none
SELECT 'status=' || a.status AS state
FROM reporting.line_appeal AS a
WHERE a.customer_id = :customer_id AND a.appeal_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_lx
-- A case of a line's review.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'status=' || c.status, 'taken_by=' || c.taken_by, 'decision=' || c.decision,
                 'to_minor=' || c.to_minor) AS state
FROM reporting.line_review_case AS c
WHERE c.customer_id = :customer_id AND c.case_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_pm
-- A payment.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'status=' || p.status, 'outcome=' || p.outcome) AS state
FROM reporting.payment AS p
WHERE p.customer_id = :customer_id AND p.payment_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_md
-- A mandate for debits.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'starts_on=' || t.starts_on, 'ends_on=' || t.ends_on,
                 'is_signed=' || t.is_signed, 'is_revoked=' || t.is_revoked) AS state
FROM reporting.mandate AS t
WHERE t.customer_id = :customer_id AND t.mandate_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_ik
-- A case of a customer's identity.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'holds=' || t.holds, 'is_closed=' || t.is_closed) AS state
FROM reporting.identity_case AS t
WHERE t.customer_id = :customer_id AND t.case_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_nc
-- A case of a customer whom no channel reaches.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'status=' || t.status, 'attempts=' || t.attempts, 'due_on=' || t.due_on) AS state
FROM reporting.contact_case AS t
WHERE t.customer_id = :customer_id AND t.case_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_cb
-- A call that a customer asked for.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'status=' || t.status, 'missed=' || t.missed, 'due_on=' || t.due_on) AS state
FROM reporting.call_request AS t
WHERE t.customer_id = :customer_id AND t.call_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_st
-- A change of a setting that a customer asked for.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'setting=' || t.setting, 'status=' || t.status,
                 'code_attempts=' || t.code_attempts) AS state
FROM reporting.setting_request AS t
WHERE t.customer_id = :customer_id AND t.request_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_ad
-- An address that is to be proved by a code.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'channel=' || t.channel, 'code_attempts=' || t.code_attempts,
                 'is_confirmed=' || t.is_confirmed) AS state
FROM reporting.address_request AS t
WHERE t.customer_id = :customer_id AND t.request_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_ms
-- A message to a customer.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'kind=' || t.kind, 'status=' || t.status, 'attempts=' || t.attempts) AS state
FROM reporting.message AS t
WHERE t.customer_id = :customer_id AND t.message_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_rr
-- A request about personal data.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'kind=' || t.kind, 'last_act=' || t.last_act, 'due_on=' || t.due_on) AS state
FROM reporting.rights_request AS t
WHERE t.customer_id = :customer_id AND t.request_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_lh
-- A legal hold.
-- gives   at most one row
-- locks   none
SELECT 'is_lifted=' || t.is_lifted AS state
FROM reporting.legal_hold AS t
WHERE t.customer_id = :customer_id AND t.hold_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_fc
-- A correction of what a decision read.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'remedy=' || t.remedy, 'is_taken=' || t.is_taken) AS state
FROM reporting.feature_correction AS t
WHERE t.customer_id = :customer_id AND t.correction_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_lr
-- A request for another limit.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'status=' || t.status, 'outcome=' || t.outcome,
                 'present_minor=' || t.present_minor, 'limit_minor=' || t.limit_minor,
                 'agreed=' || t.agreed) AS state
FROM reporting.limit_request AS t
WHERE t.customer_id = :customer_id AND t.request_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_ls
-- A sign of risk noted on a line.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'kind=' || t.kind, 'noted_on=' || t.noted_on,
                 'is_cleared=' || t.is_cleared) AS state
FROM reporting.line_signal AS t
WHERE t.customer_id = :customer_id AND t.signal_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_hp
-- A page of the lender that a host asked for.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'act=' || t.act, 'state=' || t.state) AS state
FROM reporting.hosted_page AS t
WHERE t.customer_id = :customer_id AND t.page_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_wd
-- An event on its way to a host.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'kind=' || t.kind, 'state=' || t.state, 'attempts=' || t.attempts) AS state
FROM reporting.host_delivery AS t
WHERE t.customer_id = :customer_id AND t.delivery_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_cr
-- Credit on its way back to a customer.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'status=' || t.status, 'amount_minor=' || t.amount_minor,
                 'value_date=' || t.value_date) AS state
FROM reporting.credit_return AS t
WHERE t.customer_id = :customer_id AND t.return_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_pu
-- A purchase of a scene.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'scene=' || t.scene, 'price_minor=' || t.price_minor,
                 'used_minor=' || t.used_minor) AS state
FROM reporting.scene_purchase AS t
WHERE t.customer_id = :customer_id AND t.purchase_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_av
-- An approval by a second person.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'kind=' || t.kind, 'is_approved=' || t.is_approved,
                 'is_used=' || t.is_used) AS state
FROM reporting.approval AS t
WHERE t.approval_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_mc
-- A merchant of a scene.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'version_no=' || t.version_no, 'is_closed=' || t.is_closed) AS state
FROM reporting.scene_merchant AS t
WHERE t.merchant_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_ho
-- A host.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'version_no=' || t.version_no, 'contract_until=' || t.contract_until,
                 'is_stopped=' || t.is_stopped) AS state
FROM reporting.host AS t
WHERE t.host_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_cm
-- A campaign of invitations.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'quota=' || t.quota, 'expires_on=' || t.expires_on,
                 'open_invitations=' || t.open_invitations) AS state
FROM reporting.campaign AS t
WHERE t.campaign_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_hy
-- An account that a host declared.
-- gives   at most one row
-- locks   none
SELECT 'is_withdrawn=' || t.is_withdrawn AS state
FROM reporting.host_payee AS t
WHERE t.customer_id = :customer_id AND t.payee_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_lv
-- A review of a line.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'outcome=' || t.outcome, 'to_minor=' || t.to_minor) AS state
FROM reporting.line_review AS t
WHERE t.customer_id = :customer_id AND t.review_id = :number;

-- house: allow named-queries – chosen by the kind of the identifier
-- name: state_sz
-- A rule that is passed over for a customer.
-- gives   at most one row
-- locks   none
SELECT concat_ws(' ', 'rule_code=' || t.rule_code, 'is_ended=' || (t.ended_at IS NOT NULL)) AS state
FROM reporting.rule_snooze AS t
WHERE t.customer_id = :customer_id AND t.snooze_id = :number;
