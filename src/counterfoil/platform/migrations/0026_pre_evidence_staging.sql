-- Staged leaves with all that their bodies need; taken out again when they are numbered.
--
-- Leaves staged before were never numbered nor handed to anybody, and their bodies lacked what
-- bounds their time: they are given up, the facts that they stood for stay.
SET LOCAL lock_timeout = '3s';

DROP TABLE evidence.leaf_staged;
DROP TYPE evidence.leaf_v1;

-- `seq` is taken after the row of the fact is locked: for one fact the order of its leaves is the
-- order of its commits.
CREATE TABLE evidence.leaf_staged (
    seq              bigint   GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id      bigint   NOT NULL,
    leaf_id          bigint   NOT NULL,
    leaf_type        smallint NOT NULL,
    subject_id       bigint   NOT NULL,
    salt             bytea    NOT NULL,
    commitment       bytea    NOT NULL,
    created          bigint   NOT NULL,
    checkpoint_size  bigint   NOT NULL,
    command_key      text,
    body             bytea,
    CONSTRAINT leaf_staged_sizes CHECK (octet_length(salt) = 32 AND octet_length(commitment) = 32),
    CONSTRAINT leaf_staged_has_a_body CHECK ((command_key IS NULL) <> (body IS NULL))
);
CREATE TYPE evidence.leaf_v2 AS (
    customer_id bigint, leaf_id bigint, leaf_type smallint, subject_id bigint, salt bytea,
    commitment bytea, created bigint, checkpoint_size bigint, command_key text, body bytea
);
