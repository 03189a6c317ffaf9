-- The last entry of the ledger at which a listing showed just what it was offered, so that nothing had to be written (H1).
ALTER TABLE listing ADD COLUMN fitted INTEGER;
