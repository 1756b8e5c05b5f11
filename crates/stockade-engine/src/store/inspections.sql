-- Version 2: what inspections found. Both tables are made again from the files, if they are lost.

-- What is in a file, by its digest.
CREATE TABLE inspections (
    digest  TEXT    NOT NULL,
    version INTEGER NOT NULL,       -- of the inspector
    body    BLOB    NOT NULL,       -- JSON, compressed (RFC 1950)
    PRIMARY KEY (digest, version)
) STRICT;

-- What was made of it: the newest assessment of each release.
CREATE TABLE assessments (
    ecosystem TEXT NOT NULL,
    name      TEXT NOT NULL,
    version   TEXT NOT NULL,
    digest    TEXT NOT NULL,
    judge     TEXT NOT NULL,        -- the inspector's version and its rules
    baselines TEXT NOT NULL,        -- a digest of what it was compared with
    body      TEXT NOT NULL,        -- JSON: evidence and gaps
    PRIMARY KEY (ecosystem, name, version)
) STRICT;

CREATE INDEX served_of ON served (ecosystem, name);
