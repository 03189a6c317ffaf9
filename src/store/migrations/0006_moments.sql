-- When the last reading of a listing was done: what was sold while it went on may be in it or not.
ALTER TABLE listing ADD COLUMN done INTEGER;
UPDATE listing SET done = begun;

-- When an intent was last sent, if not only when it was opened: so long after it may still be on its way (X6).
ALTER TABLE intent ADD COLUMN sent INTEGER;

-- Units of a line of the source that was cancelled before it was first seen, and of which nobody said whether they are
-- back on the shelf (X6).
ALTER TABLE line ADD COLUMN unsaid INTEGER NOT NULL DEFAULT 0;
DROP INDEX line_own;
CREATE INDEX line_own ON line (listing) WHERE own = 1 AND (taken <> contained OR unsaid <> 0);
