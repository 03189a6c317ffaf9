-- Of a listing that shows at most so many: what it shows at least, as far as known sales and writes explain (R3).
ALTER TABLE listing ADD COLUMN shown_least INTEGER;
UPDATE listing SET shown_least = 0 WHERE shown_kind = 'at_most';
