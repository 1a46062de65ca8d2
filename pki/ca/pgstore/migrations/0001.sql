-- The ledger of one certification authority. Serial numbers are 20 octets,
-- big-endian; "value" columns hold the JSON that package ca defines. They are
-- text and not jsonb: a name may contain what jsonb refuses (U+0000), and the
-- order of members is kept.

CREATE TABLE meta (
    key   text PRIMARY KEY,
    value bytea NOT NULL
);

CREATE TABLE entry (
    serial bytea PRIMARY KEY CHECK (octet_length(serial) = 20),
    listed boolean NOT NULL,
    value  text NOT NULL
);

-- What belongs on the next CRL.
CREATE INDEX entry_listed ON entry (serial) WHERE listed;

CREATE TABLE certificate (
    serial bytea PRIMARY KEY REFERENCES entry (serial),
    der    bytea NOT NULL
);

CREATE TABLE blocked (
    key_id bytea PRIMARY KEY
);

-- Only the last list keeps its octets.
CREATE TABLE crl (
    number bigint PRIMARY KEY CHECK (number >= 0),
    value  text NOT NULL,
    der    bytea
);

CREATE TABLE request (
    id    text COLLATE "C" PRIMARY KEY,
    value text NOT NULL
);

CREATE TABLE operator (
    name  text COLLATE "C" PRIMARY KEY,
    value text NOT NULL
);

-- Each node of the authority writes a chain of its own.
CREATE TABLE journal (
    node text COLLATE "C" NOT NULL,
    seq  bigint NOT NULL CHECK (seq > 0),
    line text NOT NULL,
    PRIMARY KEY (node, seq)
);

CREATE TABLE head (
    node text COLLATE "C" PRIMARY KEY,
    seq  bigint NOT NULL,
    hash bytea NOT NULL CHECK (octet_length(hash) = 32)
);

-- One row for the last transaction of every opened store, by which it finds
-- out what became of a commit whose answer was lost.
CREATE TABLE attempt (
    id     bytea PRIMARY KEY,
    done   boolean NOT NULL,
    checks integer NOT NULL DEFAULT 0,
    at     timestamptz NOT NULL DEFAULT now()
);

-- The signed heads of all chains.
CREATE TABLE heads (
    number bigint PRIMARY KEY CHECK (number > 0),
    value  text NOT NULL
);
