-- What tells which sold lines wait for the owner (W3, W5), and what is kept of those that are old (W7).

-- When it was first read completely: an unknown line that is older does not count.
ALTER TABLE channel ADD COLUMN first_read INTEGER;
UPDATE channel SET first_read = coalesce(
    (SELECT min(link.active) FROM link JOIN listing ON listing.id = link.listing
        WHERE listing.channel = channel.id AND link.active > 0),
    scanned);

ALTER TABLE line ADD COLUMN held_since INTEGER;
UPDATE line SET held_since = placed WHERE held IS NOT NULL;
-- Why it waited once, before the owner said that it counts.
ALTER TABLE line ADD COLUMN asked TEXT;
-- What it met on the source: a movement, below zero a line of the source, 0 for nothing, null where nobody looked.
ALTER TABLE line ADD COLUMN met INTEGER;
-- When units of it last came back.
ALTER TABLE line ADD COLUMN returned INTEGER;
-- The app that brought it in.
ALTER TABLE line ADD COLUMN origin TEXT;
-- Other numbers that its order goes by, one on a line of its own each.
ALTER TABLE line ADD COLUMN also TEXT;

DROP INDEX line_listing;
CREATE INDEX line_placed ON line (channel, placed);
CREATE INDEX line_brought ON line (listing, placed) WHERE origin IS NOT NULL;
CREATE INDEX line_met ON line (met) WHERE met <> 0;
CREATE INDEX line_asked ON line (channel, placed) WHERE asked IS NOT NULL;

CREATE INDEX movement_change ON movement (listing, moment) WHERE why = 'owners_change';
-- What a line or an intent is still told with; it is forgotten after those.
CREATE INDEX movement_line ON movement (line) WHERE line IS NOT NULL;
CREATE INDEX movement_intent ON movement (intent) WHERE intent IS NOT NULL;
CREATE INDEX intent_line_line ON intent_line (line);

-- All that is kept of a line once it is old and settled.
CREATE TABLE old_line (
    channel INTEGER NOT NULL REFERENCES channel,
    key     TEXT NOT NULL,
    taken   INTEGER NOT NULL,
    applied INTEGER NOT NULL,
    PRIMARY KEY (channel, key)
) STRICT, WITHOUT ROWID;
