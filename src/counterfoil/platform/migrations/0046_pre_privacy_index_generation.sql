-- A digest says from which generation of the secret it comes: while the secret is changed every
-- number has a digest of both, and the old ones go when nobody looks by them any more.
SET LOCAL lock_timeout = '3s';

ALTER TABLE privacy.blind_index ADD COLUMN generation smallint NOT NULL DEFAULT 1;

-- The generations that every new number must have a digest of.
CREATE TABLE privacy.index_generation (
    generation  smallint    NOT NULL,
    since       timestamptz NOT NULL,
    CONSTRAINT index_generation_pkey PRIMARY KEY (generation)
);
INSERT INTO privacy.index_generation (generation, since) VALUES (1, now());
