-- Version 3: a release may have several files, and each is pinned and ruled on alone. The empty text stands for the only
-- file of a release that has one.

ALTER TABLE rulings ADD COLUMN file TEXT NOT NULL DEFAULT '';
ALTER TABLE decisions ADD COLUMN file TEXT NOT NULL DEFAULT '';
ALTER TABLE served ADD COLUMN file TEXT NOT NULL DEFAULT '';

DROP INDEX rulings_of;
CREATE INDEX rulings_of ON rulings (ecosystem, name, version, file, seq);

CREATE TABLE pins_of_files (
    ecosystem TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    version   TEXT    NOT NULL,
    file      TEXT    NOT NULL,
    sha256    TEXT    NOT NULL,
    digests   TEXT    NOT NULL,     -- JSON list: the same bytes by every algorithm
    size      INTEGER NOT NULL,     -- bytes
    at        INTEGER NOT NULL,
    PRIMARY KEY (ecosystem, name, version, file)
) STRICT;
INSERT INTO pins_of_files (ecosystem, name, version, file, sha256, digests, size, at)
SELECT ecosystem, name, version, '', sha256, digests, size, at FROM pins;
DROP TABLE pins;
ALTER TABLE pins_of_files RENAME TO pins;

-- These can be made again from the files.
DROP TABLE assessments;
CREATE TABLE assessments (
    ecosystem TEXT NOT NULL,
    name      TEXT NOT NULL,
    version   TEXT NOT NULL,
    file      TEXT NOT NULL,
    digest    TEXT NOT NULL,
    judge     TEXT NOT NULL,        -- the inspector's version and its rules
    baselines TEXT NOT NULL,        -- a digest of what it was compared with
    body      TEXT NOT NULL,        -- JSON: evidence and gaps
    PRIMARY KEY (ecosystem, name, version, file)
) STRICT;
