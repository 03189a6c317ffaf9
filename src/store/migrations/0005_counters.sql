-- What the platform's own counter of sold units said when the quantity was last read, where it has one (X3), and how far
-- it is accounted for (O5), as JSON.
ALTER TABLE listing ADD COLUMN counter INTEGER;
ALTER TABLE listing ADD COLUMN counted TEXT;

-- What platforms count the changes of a listing under (H4).
CREATE INDEX listing_item ON listing (channel, json_extract(facts, '$.item'))
    WHERE json_extract(facts, '$.item') IS NOT NULL;
