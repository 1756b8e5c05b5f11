-- Version 4: the instants at which people froze everything. The newest counts; without an instant it is the end of one.
CREATE TABLE freezes (
    seq    INTEGER PRIMARY KEY REFERENCES log (seq),
    since  INTEGER,
    reason TEXT NOT NULL,
    by     TEXT NOT NULL
) STRICT;
