-- What tells whose turn it is to be read (Y4).

-- When its quantity was last read by its key, or written, whatever was found; 0 where only scans read it so far.
ALTER TABLE listing ADD COLUMN read INTEGER NOT NULL DEFAULT 0;
UPDATE listing SET read = begun WHERE begun IS NOT NULL;
CREATE INDEX listing_turn ON listing (channel, read)
    WHERE linked > 0 AND gone IS NULL AND (shown_kind = 'unknown' OR shown <= 3);
