-- Whether the rules or the recipe of a listing changed since it last showed what it was offered (H1).
ALTER TABLE listing ADD COLUMN ruled_anew INTEGER NOT NULL DEFAULT 0;
