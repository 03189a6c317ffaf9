-- What the platform's own counter of sold units said when the quantity was last read, where it has one (X3, O5).
ALTER TABLE listing ADD COLUMN counter INTEGER;
