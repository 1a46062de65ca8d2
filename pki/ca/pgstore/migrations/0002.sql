-- What makes certificates findable and days countable. It follows from the
-- entries: the program fills it in the transaction of this migration.

CREATE TABLE expiry (
    not_after bigint NOT NULL, -- seconds since 1970
    serial    bytea NOT NULL,
    PRIMARY KEY (not_after, serial)
);

CREATE TABLE word (
    word   text COLLATE "C" NOT NULL,
    serial bytea NOT NULL,
    PRIMARY KEY (word, serial)
);

-- Each node counts in rows of its own, so that nodes do not wait for one
-- another; a day's count is the sum.
CREATE TABLE day (
    day      bigint NOT NULL, -- since 1970
    node     text COLLATE "C" NOT NULL,
    issued   bigint NOT NULL,
    revoked  bigint NOT NULL,
    expiring bigint NOT NULL,
    PRIMARY KEY (day, node)
);

-- Where a request stands, and minus the seconds since 1970 of its creation: the
-- newest sort first.
ALTER TABLE request ADD COLUMN state text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE request ADD COLUMN newest bigint NOT NULL DEFAULT 0;
CREATE INDEX request_state ON request (state, newest, id);

-- Takes the place of "attempt", into which every transaction of an older
-- program writes: such a program cannot write any more.
CREATE TABLE outcome (
    id     bytea PRIMARY KEY,
    done   boolean NOT NULL,
    checks integer NOT NULL DEFAULT 0,
    at     timestamptz NOT NULL DEFAULT now()
);

DROP TABLE attempt;
