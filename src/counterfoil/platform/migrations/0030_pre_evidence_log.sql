-- The log: leaves with their numbers, the tree over them, and what was signed of it.
--
-- Everything here is only ever added to. What a published checkpoint says can be checked by
-- anybody against the entries, so a row that changed would show outside.
SET LOCAL lock_timeout = '3s';

-- One log a database. Its name is the first line of every checkpoint and cannot change.
CREATE TABLE evidence.log (
    origin      text        NOT NULL,
    created_at  timestamptz NOT NULL,
    only_one    boolean     NOT NULL DEFAULT true,
    CONSTRAINT log_pkey PRIMARY KEY (only_one),
    CONSTRAINT log_is_one CHECK (only_one)
);

-- A numbered leaf. `sealed` holds salt and body (the salt alone where the body follows from a
-- recorded command) under the customer's data key; NULL where a mirror gave back the entry of a
-- leaf whose opening was lost with the database.
CREATE TABLE evidence.leaf (
    idx              bigint   NOT NULL,
    customer_id      bigint   NOT NULL,
    leaf_id          bigint   NOT NULL,
    leaf_type        smallint NOT NULL,
    subject_id       bigint   NOT NULL,
    commitment       bytea    NOT NULL,
    created          bigint   NOT NULL,
    checkpoint_size  bigint   NOT NULL,
    command_key      text,
    sealed           bytea,
    CONSTRAINT leaf_pkey PRIMARY KEY (idx),
    CONSTRAINT leaf_commitment_length CHECK (octet_length(commitment) = 32)
);
-- Not unique: a number given twice by mistake must not stop the log for everybody.
CREATE INDEX leaf_of_customer ON evidence.leaf (customer_id, leaf_id);

-- Full tiles: 256 hashes of a level and the root over them, which is one hash of the level above.
-- What is not full is cut from the leaves and roots when it is needed.
CREATE TABLE evidence.tile (
    level   smallint NOT NULL,
    n       bigint   NOT NULL,
    hashes  bytea    NOT NULL,
    root    bytea    NOT NULL,
    CONSTRAINT tile_pkey PRIMARY KEY (level, n),
    CONSTRAINT tile_is_full CHECK (octet_length(hashes) = 8192 AND octet_length(root) = 32)
);
ALTER TABLE evidence.tile ALTER COLUMN hashes SET STORAGE EXTERNAL;

-- The tree as it was after a batch. One root a size, for ever.
CREATE TABLE evidence.checkpoint (
    size           bigint      NOT NULL,
    root           bytea       NOT NULL,
    integrated_at  timestamptz NOT NULL,
    CONSTRAINT checkpoint_one_root_per_size PRIMARY KEY (size),
    CONSTRAINT checkpoint_root_length CHECK (octet_length(root) = 32 AND size > 0)
);

-- What the log has signed. Sent again after a crash, never signed anew.
CREATE TABLE evidence.note (
    size       bigint      NOT NULL,
    note       text        NOT NULL,
    signed_at  timestamptz NOT NULL,
    CONSTRAINT note_one_signing_per_size PRIMARY KEY (size),
    CONSTRAINT note_is_of_a_checkpoint FOREIGN KEY (size) REFERENCES evidence.checkpoint (size)
);

-- Lines by which witnesses stand for a note.
CREATE TABLE evidence.cosignature (
    size      bigint      NOT NULL,
    witness   text        NOT NULL,
    line      text        NOT NULL,
    cosigned  bigint      NOT NULL,
    CONSTRAINT cosignature_pkey PRIMARY KEY (size, witness),
    CONSTRAINT cosignature_is_of_a_note FOREIGN KEY (size) REFERENCES evidence.note (size)
);

-- Notes that met the policy's quorum, with the lines that met it.
CREATE TABLE evidence.witnessed (
    size          bigint      NOT NULL,
    note          text        NOT NULL,
    witnessed_at  timestamptz NOT NULL,
    CONSTRAINT witnessed_pkey PRIMARY KEY (size),
    CONSTRAINT witnessed_is_signed FOREIGN KEY (size) REFERENCES evidence.note (size)
);

-- Why the log signs no more, or what a witness does that it should not. An alarm stands until a
-- person clears it.
CREATE TABLE evidence.alarm (
    alarm_id    bigint      GENERATED ALWAYS AS IDENTITY,
    code        text        NOT NULL,
    witness     text        NOT NULL,
    detail      text        NOT NULL,
    stops       boolean     NOT NULL,
    raised_at   timestamptz NOT NULL,
    cleared_at  timestamptz,
    CONSTRAINT alarm_pkey PRIMARY KEY (alarm_id)
);
CREATE UNIQUE INDEX alarm_stands_once ON evidence.alarm (code, witness) WHERE cleared_at IS NULL;
