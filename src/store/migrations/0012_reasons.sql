-- Why a listing waits is kept as the reason itself, not as its words. What waits is planned anew, and noted again.
UPDATE listing SET waits = NULL, dirty = 1 WHERE waits IS NOT NULL;
