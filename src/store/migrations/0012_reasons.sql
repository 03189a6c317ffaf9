-- Whether hiding or showing a listing was refused, not its number; and what mends a refusal, where that is known.
ALTER TABLE listing ADD COLUMN refusal_showing INTEGER NOT NULL DEFAULT 0;
ALTER TABLE listing ADD COLUMN refusal_mend TEXT;
-- Why a listing waits is kept as the reason itself, not as its words. What waits is planned anew, and noted again.
UPDATE listing SET waits = NULL, dirty = 1 WHERE waits IS NOT NULL;
