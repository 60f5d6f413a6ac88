-- States that folds of loans passed through, so that a change is folded from the one before it.
SET LOCAL lock_timeout = '3s';

-- A cache: a fold without one begins at the loan's start. Dropped where a change lies before it.
CREATE TABLE lending.fold_checkpoint (
    customer_id     bigint   NOT NULL,
    loan_id         bigint   NOT NULL,
    -- The state is that after all transactions valued on or before it.
    value_date      date     NOT NULL,
    -- Of those booked up to this sequence.
    booked_through  integer  NOT NULL,
    -- No transaction valued later has a lower sequence.
    rows_from       integer  NOT NULL,
    -- Form of the state and of the rules that made it.
    form            smallint NOT NULL,
    state           text     NOT NULL,
    CONSTRAINT fold_checkpoint_pkey PRIMARY KEY (customer_id, loan_id, value_date, booked_through),
    CONSTRAINT fold_checkpoint_of_a_loan FOREIGN KEY (customer_id, loan_id)
        REFERENCES lending.loan,
    CONSTRAINT fold_checkpoint_rows_in_bounds CHECK (
        rows_from BETWEEN 1 AND booked_through + 1)
);

CREATE FUNCTION lending.keep_checkpoints() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a checkpoint is made or dropped, and never changed' USING ERRCODE = 'CF003';
END $$;
CREATE TRIGGER fold_checkpoint_stays BEFORE UPDATE OR TRUNCATE ON lending.fold_checkpoint
FOR EACH STATEMENT EXECUTE FUNCTION lending.keep_checkpoints();

-- A place in a loan's history: after a date, from a sequence on.
CREATE TYPE lending.loan_place_v1 AS (
    customer_id bigint, loan_id bigint, value_date date, sequence integer
);

CREATE TYPE lending.fold_checkpoint_v1 AS (
    customer_id bigint, loan_id bigint, value_date date, booked_through integer,
    rows_from integer, form smallint, state text
);
