-- Salted commitments of what happened, written with the fact and not yet numbered.
SET LOCAL lock_timeout = '3s';

CREATE SCHEMA IF NOT EXISTS evidence;

CREATE TABLE evidence.leaf_staged (
    customer_id  bigint   NOT NULL,
    leaf_id      bigint   NOT NULL,
    leaf_type    smallint NOT NULL,
    salt         bytea    NOT NULL,
    commitment   bytea    NOT NULL,
    xid          xid8     NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (customer_id, leaf_id),
    CONSTRAINT leaf_sizes CHECK (octet_length(salt) = 32 AND octet_length(commitment) = 32)
);
CREATE TYPE evidence.leaf_v1 AS (
    customer_id bigint, leaf_id bigint, leaf_type smallint, salt bytea, commitment bytea
);
