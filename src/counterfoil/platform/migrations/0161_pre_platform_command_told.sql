-- A recorded command says who sent it, from where and why, and which leaf commits to it: it is a line
-- of the trail by itself, and the write path bears no second one.
SET LOCAL lock_timeout = '3s';

-- NULL in all five where a line of the trail beside the answer tells of it. Empty texts: the command
-- was taken in before these were kept.
ALTER TABLE platform.command
    ADD COLUMN leaf_id bigint,
    ADD COLUMN actor   text,
    ADD COLUMN role    text,
    ADD COLUMN source  text,
    ADD COLUMN reason  text;
CREATE TYPE platform.command_v2 AS (
    customer_id bigint, idempotency_key text, request_hash bytea, kind text, answer text,
    accepted_at timestamptz, leaf_id bigint, actor text, role text, source text, reason text
);
-- Few actors send many commands: the newest of each are found without a second index by number.
CREATE INDEX command_by_actor ON platform.command (actor, leaf_id) WHERE actor IS NOT NULL;

-- Commands in the order of the log.
CREATE VIEW reporting.command_in_log AS
SELECT l.idx, c.customer_id, c.idempotency_key, c.kind, c.accepted_at, c.leaf_id, c.actor, c.role,
       c.source, c.reason
FROM evidence.leaf AS l
JOIN platform.command AS c
  ON c.customer_id = l.customer_id AND c.idempotency_key = l.command_key;

-- How far leaves commit to who sent the commands: the leaf of a command commits to its answer.
CREATE TABLE platform.command_anchor (
    through_idx  bigint      NOT NULL,
    after_idx    bigint      NOT NULL,
    entries      bigint      NOT NULL,
    sha256       bytea       NOT NULL,
    leaf_id      bigint      NOT NULL,
    at           timestamptz NOT NULL,
    CONSTRAINT command_anchor_pkey PRIMARY KEY (through_idx),
    CONSTRAINT command_anchor_once UNIQUE (after_idx),
    CONSTRAINT command_anchor_counts CHECK (entries >= 0 AND through_idx > after_idx),
    CONSTRAINT command_anchor_sha256 CHECK (octet_length(sha256) = 32)
);
CREATE TRIGGER command_anchor_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON platform.command_anchor
FOR EACH STATEMENT EXECUTE FUNCTION platform.keep_trail();

-- Who was looked at and for whom something was changed, one row for each person that a line names.
CREATE OR REPLACE VIEW reporting.trail AS
SELECT named.customer_id, t.trail_id, t.at, t.role, split_part(t.source, ' ', 1) AS channel, t.act,
       t.outcome, t.purpose
FROM platform.trail AS t
CROSS JOIN LATERAL unnest(
    CASE WHEN t.customer_id IS NULL THEN t.customer_ids ELSE ARRAY[t.customer_id] END
) AS named (customer_id)
UNION ALL
SELECT c.customer_id, c.leaf_id, c.accepted_at, c.role, split_part(c.source, ' ', 1), c.kind,
       'done', ''
FROM platform.command AS c
WHERE c.actor IS NOT NULL;
