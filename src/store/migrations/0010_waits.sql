-- Why a listing was not raised by the last run that would have (P1).
ALTER TABLE listing ADD COLUMN waits TEXT;
