-- Since when the number of a listing cannot be read (P5).
ALTER TABLE listing ADD COLUMN numberless INTEGER;
