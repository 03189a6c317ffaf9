-- At which place of the source the units of a line were taken off, so that they return there (L1).
CREATE TABLE portion (
    intent INTEGER NOT NULL REFERENCES intent,
    line   INTEGER NOT NULL REFERENCES line,
    place  TEXT NOT NULL,
    units  INTEGER NOT NULL,
    PRIMARY KEY (intent, line, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX portion_line ON portion (line);
