-- Commands from before who sent them was kept get the number of their leaf, and so their place in the
-- trail; from then on commands are only ever added.
SET LOCAL lock_timeout = '3s';

UPDATE platform.command AS c
SET leaf_id = l.leaf_id, actor = '', role = '', source = '', reason = ''
FROM (
    SELECT customer_id, command_key, leaf_id FROM evidence.leaf WHERE command_key IS NOT NULL
    UNION ALL
    SELECT customer_id, command_key, leaf_id FROM evidence.leaf_staged
    WHERE command_key IS NOT NULL
) AS l
WHERE c.actor IS NULL AND c.customer_id = l.customer_id AND c.idempotency_key = l.command_key;

CREATE TRIGGER command_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON platform.command
FOR EACH STATEMENT EXECUTE FUNCTION platform.keep_trail();
