-- Version 6: what is published here, and the tokens of those who may do things.

-- The files. What is taken off the index stays, so that nothing else takes its place. Their bytes are those of the pin.
CREATE TABLE hosted (
    ecosystem   TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    version     TEXT    NOT NULL,
    file        TEXT    NOT NULL,     -- empty for the only file of a release that has one
    seq         INTEGER NOT NULL REFERENCES log (seq),
    at          INTEGER NOT NULL,
    by          TEXT    NOT NULL,
    entry       TEXT    NOT NULL,     -- what the index says of it, in the ecosystem's own form
    listed      INTEGER NOT NULL,
    discouraged TEXT,
    PRIMARY KEY (ecosystem, name, version, file)
) STRICT;

CREATE TABLE hosted_tags (
    ecosystem TEXT NOT NULL,
    name      TEXT NOT NULL,
    tag       TEXT NOT NULL,
    version   TEXT NOT NULL,
    PRIMARY KEY (ecosystem, name, tag)
) STRICT;

-- The newest entry of the log that changed a package.
CREATE TABLE hosted_packages (
    ecosystem TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    revision  INTEGER NOT NULL REFERENCES log (seq),
    PRIMARY KEY (ecosystem, name)
) STRICT;

-- A token itself is nowhere; only its hash is.
CREATE TABLE tokens (
    id      TEXT    PRIMARY KEY,
    seq     INTEGER NOT NULL REFERENCES log (seq),   -- the newest entry about it
    hash    TEXT    NOT NULL UNIQUE,                 -- SHA-256
    name    TEXT    NOT NULL,                        -- whose it is
    rights  TEXT    NOT NULL,                        -- JSON list
    since   INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    revoked INTEGER
) STRICT;
