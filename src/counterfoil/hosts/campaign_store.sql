-- Campaigns and their invitations.

-- name: add_campaign
-- A campaign as two people approved it, with what became of those who were looked at.
-- locks   none but its row
INSERT INTO hosts.campaign (
    campaign_id, code, product_code, host_id, rule, list_sha256, quota, expires_on, words, asked_by,
    approved_by, approval_id, started_at, counts
) VALUES (
    :campaign_id, :code, :product_code, :host_id, :rule, :list_sha256, :quota, :expires_on, :words,
    :asked_by, :approved_by, :approval_id, :started_at, :counts
);

-- name: campaigns
-- Campaigns, newest first, with the invitations that were not ended.
-- gives   at most :page rows before the number given
-- turns   is read to both sides of its key
-- locks   none
SELECT c.campaign_id, c.code, c.product_code, c.host_id, c.rule, c.list_sha256, c.quota,
       c.expires_on, c.words, c.asked_by, c.approved_by, c.approval_id, c.started_at, c.counts,
       (SELECT count(*) FROM hosts.invitation AS i
        WHERE i.campaign_id = c.campaign_id AND i.ended_at IS NULL) AS standing
FROM hosts.campaign AS c
WHERE c.campaign_id = coalesce(:campaign_id::bigint, c.campaign_id)
  AND c.campaign_id < /*turns*/ :before
ORDER BY c.campaign_id DESC /*turns*/
LIMIT :page;

-- name: add_invitations
-- Invitations of one campaign; whoever is invited to the product already stays with that.
-- gives   a row for each that was written
-- locks   their rows
INSERT INTO hosts.invitation (customer_id, campaign_id, product_code, invited_at, expires_on)
SELECT given.customer_id, :campaign_id, :product_code, :invited_at, :expires_on
FROM unnest(:customer_ids::bigint[]) AS given (customer_id)
ON CONFLICT DO NOTHING
RETURNING customer_id;

-- name: lapse_invitations
-- Invitations whose last day is over make room for new ones.
-- locks   the rows
UPDATE hosts.invitation SET ended_at = :at, ended_by = 'expired'
WHERE customer_id = ANY (:customer_ids::bigint[]) AND ended_at IS NULL AND expires_on < :on;

-- name: invitations_of
-- The invitations of a customer that were not ended, newest first, with their campaigns.
-- gives   one row an invitation
-- locks   none
SELECT i.customer_id, i.campaign_id, i.product_code, i.invited_at, i.expires_on, i.ended_at,
       i.ended_by, c.host_id, c.words
FROM hosts.invitation AS i
JOIN hosts.campaign AS c ON c.campaign_id = i.campaign_id
WHERE i.customer_id = :customer_id AND i.ended_at IS NULL AND i.expires_on >= :on
ORDER BY i.campaign_id DESC;

-- name: end_invitations
-- Ends what a customer was invited to.
-- locks   the rows
UPDATE hosts.invitation SET ended_at = :at, ended_by = :by
WHERE customer_id = :customer_id AND ended_at IS NULL;

-- name: end_campaign
-- Ends every invitation of a campaign.
-- locks   the rows
UPDATE hosts.invitation SET ended_at = :at, ended_by = :by
WHERE campaign_id = :campaign_id AND ended_at IS NULL;
