-- The store's tables. The log is the truth; every other table is what reading it again would give, kept for look-ups.

-- Append-only and hash-chained: hash = SHA-256 of (previous hash, seq, at, kind, body).
CREATE TABLE log (
    seq  INTEGER PRIMARY KEY,
    at   INTEGER NOT NULL,          -- milliseconds since 1970-01-01T00:00:00Z
    kind TEXT    NOT NULL,
    body TEXT    NOT NULL,          -- JSON
    hash BLOB    NOT NULL
) STRICT;

-- The newest entry, so that a log that was cut at its end is found out.
CREATE TABLE log_head (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    seq  INTEGER NOT NULL,
    hash BLOB    NOT NULL
) STRICT;

-- Every policy that ever ruled, by digest, so that its rulings can be replayed.
CREATE TABLE policies (
    digest TEXT PRIMARY KEY,
    text   TEXT NOT NULL
) STRICT;

CREATE TABLE rulings (
    id        TEXT    PRIMARY KEY,
    seq       INTEGER NOT NULL REFERENCES log (seq),
    ecosystem TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    version   TEXT    NOT NULL,
    verdict   TEXT    NOT NULL
) STRICT;
CREATE INDEX rulings_of ON rulings (ecosystem, name, version, seq);
CREATE INDEX rulings_by_verdict ON rulings (verdict, seq);

-- The first digest seen for a release's artifact.
CREATE TABLE pins (
    ecosystem TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    version   TEXT    NOT NULL,
    sha256    TEXT    NOT NULL,
    digests   TEXT    NOT NULL,     -- JSON list: the same bytes by every algorithm
    size      INTEGER NOT NULL,     -- bytes
    at        INTEGER NOT NULL,
    PRIMARY KEY (ecosystem, name, version)
) STRICT;

-- What people decided. The newest decision about a digest counts.
CREATE TABLE decisions (
    seq       INTEGER PRIMARY KEY REFERENCES log (seq),
    ecosystem TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    version   TEXT    NOT NULL,
    digest    TEXT    NOT NULL,
    verdict   TEXT    NOT NULL,
    reason    TEXT    NOT NULL,
    by        TEXT    NOT NULL,
    expires   INTEGER
) STRICT;
CREATE INDEX decisions_of ON decisions (ecosystem, name);

-- Who was given which bytes, the first time.
CREATE TABLE served (
    principal TEXT    NOT NULL,
    sha256    TEXT    NOT NULL,
    ecosystem TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    version   TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (principal, sha256)
) STRICT;
CREATE INDEX served_digest ON served (sha256);

-- The newest index document of each package. The file is named by its digest.
CREATE TABLE documents (
    ecosystem     TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    upstream      TEXT    NOT NULL,
    digest        TEXT    NOT NULL,
    etag          TEXT,
    last_modified TEXT,
    fetched_at    INTEGER NOT NULL,
    PRIMARY KEY (ecosystem, name)
) STRICT;
