-- The log in PostgreSQL: staged leaves become numbered ones, tiles and checkpoints.

-- name: log_of_database
-- The log that this database keeps.
-- gives   one row, or none before the log was begun
-- locks   none
SELECT origin, created_at FROM evidence.log;

-- name: begin_log
-- Begins the log, unless it has begun.
-- locks   its one row
INSERT INTO evidence.log (origin, created_at)
VALUES (:origin, :created_at)
ON CONFLICT (only_one) DO NOTHING;

-- name: try_lead
-- Takes the lock of a session that may number or publish; it ends with the session.
-- gives   whether this session has it
-- locks   an advisory lock
SELECT pg_try_advisory_lock(:key);

-- name: staged
-- What sealing needs of the oldest staged leaves, but for those that are being numbered.
-- gives   at most :page rows in the order of their places in the queue
-- locks   none
SELECT s.seq, s.customer_id, s.leaf_id, s.leaf_type, s.commitment, s.salt, s.body
FROM evidence.leaf_staged AS s
WHERE NOT EXISTS (SELECT FROM unnest(:without::bigint[]) AS taken (seq) WHERE taken.seq = s.seq)
ORDER BY s.seq
LIMIT :page;

-- name: number_leaves
-- Takes leaves out of the queue and gives them numbers in the order of their places.
-- gives   nothing; one row is written for each place that was still there
-- locks   the staged rows
WITH taken AS (
    DELETE FROM evidence.leaf_staged
    WHERE seq = ANY (:places::bigint[])
    RETURNING seq, customer_id, leaf_id, leaf_type, subject_id, commitment, created,
              checkpoint_size, command_key
)
INSERT INTO evidence.leaf (
    idx, customer_id, leaf_id, leaf_type, subject_id, commitment, created, checkpoint_size,
    command_key, sealed)
SELECT :start::bigint + given.place - 1, t.customer_id, t.leaf_id, t.leaf_type, t.subject_id,
       t.commitment, t.created, t.checkpoint_size, t.command_key, given.sealed
FROM unnest(:places::bigint[], :sealed::bytea[]) WITH ORDINALITY AS given (seq, sealed, place)
JOIN taken AS t ON t.seq = given.seq;

-- name: drop_staged
-- Takes leaves out of the queue by their places.
-- locks   the rows
DELETE FROM evidence.leaf_staged WHERE seq = ANY (:places::bigint[]);

-- name: add_tiles
-- Full tiles.
-- locks   none but its rows
INSERT INTO evidence.tile (level, n, hashes, root)
SELECT given.level, given.n, given.hashes, given.root
FROM unnest(:levels::smallint[], :numbers::bigint[], :hashes::bytea[], :roots::bytea[])
    AS given (level, n, hashes, root);

-- name: add_checkpoint
-- The tree after a batch; a second root for its size breaks `checkpoint_one_root_per_size`.
-- locks   none but its row
INSERT INTO evidence.checkpoint (size, root, integrated_at)
VALUES (:size, :root, :integrated_at);

-- name: last_checkpoint
-- The tree as it is.
-- gives   at most one row
-- locks   none
SELECT size, root FROM evidence.checkpoint ORDER BY size DESC LIMIT 1;

-- name: checkpoint_of_size
-- The root of a size at which a batch ended.
-- gives   at most one row
-- locks   none
SELECT size, root FROM evidence.checkpoint WHERE size = :size;

-- name: roots_of_sizes
-- Roots of some sizes.
-- gives   at most one row a size
-- locks   none
SELECT size, root FROM evidence.checkpoint WHERE size = ANY (:sizes::bigint[]) ORDER BY size;

-- name: entries_between
-- What stands in the log from one number up to another.
-- gives   one row a leaf, in order
-- locks   none
SELECT leaf_type, commitment FROM evidence.leaf
WHERE idx >= :start AND idx < :stop
ORDER BY idx;

-- name: page_between
-- The same in two pieces, the types of all and the commitments of all: a row for each leaf would cost
-- more to hand over than to hash.
-- gives   one row, of nulls where there is no leaf
-- locks   none
SELECT string_agg(int2send(o.leaf_type), ''::bytea) AS types,
       string_agg(o.commitment, ''::bytea) AS commitments
FROM (SELECT leaf_type, commitment FROM evidence.leaf
      WHERE idx >= :start AND idx < :stop
      ORDER BY idx) AS o;

-- name: roots_between
-- Roots of full tiles of a level: the hashes of the level above.
-- gives   one row a tile, in order
-- locks   none
SELECT root FROM evidence.tile
WHERE level = :level AND n >= :start AND n < :stop
ORDER BY n;

-- name: tiles
-- Full tiles by their places.
-- gives   at most one row a place
-- locks   none
SELECT t.level, t.n, t.hashes
FROM evidence.tile AS t
JOIN unnest(:levels::smallint[], :numbers::bigint[]) AS wanted (level, n)
  ON wanted.level = t.level AND wanted.n = t.n
ORDER BY t.level, t.n;

-- name: add_note
-- What the log has signed; a second signing of a size breaks `note_one_signing_per_size`.
-- locks   the checkpoint, shared
INSERT INTO evidence.note (size, note, signed_at) VALUES (:size, :note, :signed_at);

-- name: last_note
-- The largest checkpoint that was signed.
-- gives   at most one row
-- locks   none
SELECT size, note FROM evidence.note ORDER BY size DESC LIMIT 1;

-- name: add_cosignature
-- A line by which a witness stands for a note; a later one of the same witness is not needed.
-- locks   the note, shared
INSERT INTO evidence.cosignature (size, witness, line, cosigned)
VALUES (:size, :witness, :line, :cosigned)
ON CONFLICT (size, witness) DO NOTHING;

-- name: cosignatures_of
-- The lines that witnesses gave to a note.
-- gives   at most one row a witness
-- locks   none
SELECT witness, line, cosigned FROM evidence.cosignature WHERE size = :size ORDER BY witness;

-- name: last_cosigned
-- Up to where each witness stands for the log, and when it last did, among the newest lines.
-- gives   one row a witness
-- locks   none
SELECT recent.witness, max(recent.size) AS size, max(recent.cosigned) AS cosigned
FROM (
    SELECT c.witness, c.size, c.cosigned
    FROM evidence.cosignature AS c
    ORDER BY c.size DESC, c.witness
    LIMIT :page
) AS recent
GROUP BY recent.witness
ORDER BY recent.witness;

-- name: add_witnessed
-- A note that met the quorum, with its lines.
-- locks   the note, shared
INSERT INTO evidence.witnessed (size, note, witnessed_at)
VALUES (:size, :note, :witnessed_at)
ON CONFLICT (size) DO NOTHING;

-- name: last_witnessed
-- The largest checkpoint that witnesses stand for.
-- gives   at most one row
-- locks   none
SELECT w.size, c.root, w.note, w.witnessed_at
FROM evidence.witnessed AS w
JOIN evidence.checkpoint AS c ON c.size = w.size
ORDER BY w.size DESC
LIMIT 1;

-- name: queue
-- How many leaves are staged, and the instant of the oldest.
-- gives   one row; a count up to :bound
-- locks   none
SELECT count(*) AS leaves, min(o.created) AS oldest
FROM (SELECT s.created FROM evidence.leaf_staged AS s ORDER BY s.seq LIMIT :bound) AS o;

-- name: raise_alarm
-- An alarm, unless the same one stands already.
-- locks   none but its row
INSERT INTO evidence.alarm (code, witness, detail, stops, raised_at)
VALUES (:code, :witness, :detail, :stops, :raised_at)
ON CONFLICT (code, witness) WHERE cleared_at IS NULL DO NOTHING;

-- name: standing_alarms
-- Alarms that nobody has cleared.
-- gives   at most :page rows
-- locks   none
SELECT alarm_id, code, witness, detail, stops, raised_at
FROM evidence.alarm
WHERE cleared_at IS NULL
ORDER BY alarm_id
LIMIT :page;

-- name: clear_alarms
-- Marks standing alarms of a code as dealt with.
-- locks   the alarms
UPDATE evidence.alarm SET cleared_at = :cleared_at
WHERE code = :code AND witness = :witness AND cleared_at IS NULL;

-- name: numbers_of
-- Numbers of leaves by their customers and identifiers.
-- gives   one row a leaf that has its number
-- locks   none
SELECT l.customer_id, l.leaf_id, l.idx
FROM evidence.leaf AS l
JOIN unnest(:customer_ids::bigint[], :leaf_ids::bigint[]) AS wanted (customer_id, leaf_id)
  ON wanted.customer_id = l.customer_id AND wanted.leaf_id = l.leaf_id
ORDER BY l.idx;

-- name: first_covering
-- The smallest witnessed checkpoint beyond a number under which some witnesses all stand.
-- gives   at most one row
-- locks   none
SELECT w.size
FROM evidence.witnessed AS w
WHERE w.size > :idx
  AND NOT EXISTS (
      SELECT FROM unnest(:witnesses::text[]) AS wanted (witness)
      WHERE NOT EXISTS (
          SELECT FROM evidence.cosignature AS c
          WHERE c.size = w.size AND c.witness = wanted.witness
      )
  )
ORDER BY w.size
LIMIT 1;

-- name: leaves_of_customer
-- Numbered leaves of one customer with what opens them.
-- gives   one row a leaf of those that are asked for
-- locks   none
SELECT l.idx, l.customer_id, l.leaf_id, l.leaf_type, l.subject_id, l.commitment, l.created,
       l.checkpoint_size, l.command_key, l.sealed
FROM evidence.leaf AS l
WHERE l.customer_id = :customer_id AND l.leaf_id = ANY (:leaf_ids::bigint[])
ORDER BY l.leaf_id, l.idx;

-- name: page_of_customer
-- Leaves of one customer, numbered or staged, newest first.
-- gives   at most :page rows with an identifier below the one given
-- turns   is read to both sides of its key
-- locks   none
SELECT l.leaf_id, l.leaf_type, l.subject_id, l.created, l.idx
FROM evidence.leaf AS l
WHERE l.customer_id = :customer_id AND l.leaf_id < /*turns*/ :before
UNION ALL
SELECT s.leaf_id, s.leaf_type, s.subject_id, s.created, NULL
FROM evidence.leaf_staged AS s
WHERE s.customer_id = :customer_id AND s.leaf_id < /*turns*/ :before
ORDER BY leaf_id DESC /*turns*/
LIMIT :page;

-- name: note_of
-- A signed note by its size.
-- gives   at most one row
-- locks   none
SELECT size, note FROM evidence.note WHERE size = :size;

-- name: staged_among
-- Which leaves of one customer are still staged.
-- gives   at most one row a leaf
-- locks   none
SELECT s.leaf_id
FROM evidence.leaf_staged AS s
WHERE s.customer_id = :customer_id AND s.leaf_id = ANY (:leaf_ids::bigint[])
ORDER BY s.leaf_id;

-- name: staged_by_commitment
-- Staged leaves with some commitments.
-- gives   one row a leaf in the order of the queue
-- locks   none
SELECT s.seq, s.customer_id, s.leaf_id, s.leaf_type, s.subject_id, s.salt, s.commitment, s.created,
       s.checkpoint_size, s.command_key, s.body
FROM evidence.leaf_staged AS s
JOIN unnest(:commitments::bytea[]) AS wanted (commitment) ON wanted.commitment = s.commitment
ORDER BY s.seq;

-- name: leaves_above
-- Leaves with numbers from a size on.
-- gives   one row a leaf, in order
-- locks   none
SELECT l.idx, l.customer_id, l.leaf_id, l.leaf_type, l.subject_id, l.commitment, l.created,
       l.checkpoint_size, l.command_key, l.sealed
FROM evidence.leaf AS l
WHERE l.idx >= :size
ORDER BY l.idx;

-- name: begin_refilling
-- Says for the rest of the transaction that unsigned numbers may be taken back.
-- gives   one row
-- locks   none
SELECT set_config('counterfoil.refilling', 'on', true);

-- name: drop_leaves_above
-- Takes back numbers that no signed head covers.
-- locks   the leaves
DELETE FROM evidence.leaf WHERE idx >= :size;

-- name: drop_tiles_above
-- Takes back full tiles over numbers that no signed head covers.
-- locks   the tiles
DELETE FROM evidence.tile
WHERE (n + 1)::numeric * power(256::numeric, level + 1) > :size::bigint;

-- name: drop_checkpoints_above
-- Takes back roots that were never signed; a signed one breaks `note_is_of_a_checkpoint`.
-- locks   the roots
DELETE FROM evidence.checkpoint WHERE size > :size;

-- name: begin_thinning
-- Says for the rest of the transaction that roots which were never signed may go.
-- gives   one row
-- locks   none
SELECT set_config('counterfoil.thinning', 'on', true);

-- name: thin_checkpoints
-- Takes out the roots between two signed sizes: nothing was signed of them, and nothing names them.
-- locks   its rows
DELETE FROM evidence.checkpoint WHERE size > :after AND size < :before;

-- name: clear_stops
-- Marks the alarms that stop the log as dealt with.
-- locks   the alarms
UPDATE evidence.alarm SET cleared_at = :cleared_at WHERE stops AND cleared_at IS NULL;

-- name: count_beyond
-- How many leaves have numbers from a size on.
-- gives   one row
-- locks   none
SELECT count(*) FROM evidence.leaf WHERE idx >= :size;

-- name: heads_between
-- Roots of the sizes beyond one and up to another, and what was signed of them.
-- gives   one row a size, in order
-- locks   none
SELECT c.size, c.root, n.note
FROM evidence.checkpoint AS c
LEFT JOIN evidence.note AS n ON n.size = c.size
WHERE c.size > :start AND c.size <= :stop
ORDER BY c.size;

-- name: full_tiles
-- Full tiles by their places, with their roots.
-- gives   at most one row a place
-- locks   none
SELECT t.level, t.n, t.hashes, t.root
FROM evidence.tile AS t
JOIN unnest(:levels::smallint[], :numbers::bigint[]) AS wanted (level, n)
  ON wanted.level = t.level AND wanted.n = t.n
ORDER BY t.level, t.n;

-- name: recent_notes
-- Witnessed notes, newest first.
-- gives   at most :page rows
-- locks   none
SELECT w.note FROM evidence.witnessed AS w ORDER BY w.size DESC LIMIT :page;
