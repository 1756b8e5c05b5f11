-- Version 5: what an index does not say, and the upstream was asked for. What was answered once stays: nobody makes a
-- release older afterwards, or other bytes right.

CREATE TABLE dates (
    ecosystem TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    version   TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    clock     TEXT    NOT NULL,     -- JSON
    PRIMARY KEY (ecosystem, name, version)
) STRICT;

CREATE TABLE claims (
    ecosystem TEXT NOT NULL,
    name      TEXT NOT NULL,
    version   TEXT NOT NULL,
    file      TEXT NOT NULL,
    claim     TEXT NOT NULL,        -- JSON
    PRIMARY KEY (ecosystem, name, version, file)
) STRICT;
