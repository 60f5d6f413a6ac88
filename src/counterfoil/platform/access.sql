-- API keys and operators. Digests come in and out; secrets never do.

-- name: add_api_key
-- A new key of a client.
-- locks   none but its row
INSERT INTO platform.api_key (
    api_key_id, lookup, digest, client, scopes, created_at, expires_at, host_id
) VALUES (
    :api_key_id, :lookup, :digest, :client, :scopes, :created_at, :expires_at, :host_id
);

-- name: live_api_keys
-- Every key that may still be used at an instant, for the cache.
-- gives   at most :page rows
-- locks   none
SELECT api_key_id, lookup, digest, client, scopes, created_at, expires_at, revoked_at, last_used_on,
       host_id
FROM platform.api_key
WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > :now)
ORDER BY api_key_id
LIMIT :page;

-- name: api_keys
-- All keys, revoked ones too, newest first.
-- gives   at most :page rows, before the key given
-- locks   none
SELECT api_key_id, lookup, digest, client, scopes, created_at, expires_at, revoked_at, last_used_on,
       host_id
FROM platform.api_key
WHERE api_key_id < :before
ORDER BY api_key_id DESC
LIMIT :page;

-- name: revoke_api_key
-- Ends a key at an instant; a key that has ended keeps its own.
-- gives   nothing
-- locks   the row
UPDATE platform.api_key
SET revoked_at = :now
WHERE api_key_id = :api_key_id AND revoked_at IS NULL;

-- name: note_api_key_use
-- Remembers the day on which keys were last used.
-- locks   the rows that change
UPDATE platform.api_key AS k
SET last_used_on = :used_on
FROM unnest(:api_key_ids::bigint[]) AS used (api_key_id)
WHERE k.api_key_id = used.api_key_id
  AND (k.last_used_on IS NULL OR k.last_used_on < :used_on);

-- name: set_operator
-- A new operator, or a new password and role for one who is there.
-- locks   the row
INSERT INTO platform.operator (operator_id, name, role, password_scrypt, created_at)
VALUES (:operator_id, :name, :role, :password_scrypt, :created_at)
ON CONFLICT (name) DO UPDATE
SET role = excluded.role, password_scrypt = excluded.password_scrypt, disabled_at = NULL,
    signed_in_after = excluded.created_at,
    rights_since = CASE
        WHEN operator.role = excluded.role AND operator.disabled_at IS NULL
            THEN operator.rights_since
        ELSE excluded.created_at
    END;

-- name: operator
-- One operator by name, disabled ones too.
-- gives   at most one row
-- locks   none
SELECT o.operator_id, o.name, o.role, o.password_scrypt, o.disabled_at, o.signed_in_after,
       EXISTS (
           SELECT FROM platform.second_factor AS f
           WHERE f.operator_id = o.operator_id AND f.confirmed_at IS NOT NULL
       ) AS has_factor
FROM platform.operator AS o
WHERE o.name = :name;

-- name: disable_operator
-- Takes an operator's right to sign in.
-- locks   the row
UPDATE platform.operator SET disabled_at = :now, signed_in_after = :now
WHERE name = :name AND disabled_at IS NULL;

-- name: set_signed_out
-- Sign-ins before an instant do not count any more.
-- locks   the row
UPDATE platform.operator SET signed_in_after = :now WHERE name = :name;
