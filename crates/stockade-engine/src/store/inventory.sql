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

-- What came to a project and what went, by component. `inventory/tiers.rs` says how these belong together.
CREATE TABLE inventory_segments (
    id     INTEGER PRIMARY KEY,     -- of two in a tier the higher one is newer
    tier   INTEGER NOT NULL,        -- the higher, the older
    target INTEGER                  -- the segment that this one is being moved into
) STRICT;

CREATE TABLE inventory_blocks (
    segment   INTEGER NOT NULL,
    component INTEGER NOT NULL,     -- of the first change in it, as the two below
    project   INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    changes   BLOB    NOT NULL,
    PRIMARY KEY (segment, component, project, at)
) STRICT, WITHOUT ROWID;
