-- Version 7: which project has which release, and since when. Instants are in seconds since 1970, as those of commits are.

CREATE TABLE inventory_projects (
    id   INTEGER PRIMARY KEY,
    name TEXT    NOT NULL UNIQUE,
    seen INTEGER NOT NULL,          -- the newest look
    gaps INTEGER NOT NULL           -- how many of its snapshots were not read whole
) STRICT;

-- What was seen in a project, from the first look that saw it so to the last one in a row.
CREATE TABLE inventory_snapshots (
    project INTEGER NOT NULL REFERENCES inventory_projects (id),
    at      INTEGER NOT NULL,
    seen    INTEGER NOT NULL,
    gaps    TEXT    NOT NULL,       -- JSON list: what could not be read
    body    BLOB    NOT NULL,       -- files, lines and who needs whom, compressed (RFC 1950)
    PRIMARY KEY (project, at)
) STRICT;

-- A release with the digests that its file may have: one that has others is another thing of the same name.
CREATE TABLE inventory_components (
    id        INTEGER PRIMARY KEY,
    ecosystem TEXT NOT NULL,
    name      TEXT NOT NULL,
    version   TEXT NOT NULL,
    digests   BLOB NOT NULL         -- each behind its length, sorted
) STRICT;
CREATE INDEX inventory_components_of ON inventory_components (ecosystem, name, version);

CREATE TABLE inventory_digests (
    digest    BLOB    NOT NULL,     -- its length says of which algorithm it is
    component INTEGER NOT NULL,
    PRIMARY KEY (digest, component)
) STRICT, WITHOUT ROWID;

-- Who has what, by what. A component that is in ten looks in a row has one row.
CREATE TABLE inventory (
    component INTEGER NOT NULL,
    project   INTEGER NOT NULL,
    since     INTEGER NOT NULL,     -- the first look that saw it
    until     INTEGER,              -- the first look that did not see it any more
    direct    INTEGER,              -- whether the project itself asked for it, at the end
    PRIMARY KEY (component, project, since)
) STRICT, WITHOUT ROWID;
