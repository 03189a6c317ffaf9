-- Whether something under an item was adjusted lately is asked for each reading of the others (X3).
CREATE INDEX intent_adjusted ON intent (listing, coalesce(sent, opened)) WHERE act = 'adjust';
