-- The state of a shop. Times are milliseconds since 1970, by the clock of the channel they belong to; units are whole
-- numbers. Nothing here is about buyers.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE channel (
    id            INTEGER PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    kind          TEXT NOT NULL,
    role          TEXT NOT NULL CHECK (role IN ('source', 'target')),
    identity      TEXT,
    label         TEXT,
    orders_since  INTEGER,
    orders_deep   INTEGER,
    levels_since  INTEGER,
    scanned       INTEGER,
    complete      INTEGER,
    rules_print   TEXT,
    pushed_ever   INTEGER NOT NULL DEFAULT 0 CHECK (pushed_ever IN (0, 1)),
    trouble       TEXT,
    trouble_since INTEGER,
    -- Counted by the triggers below, so that a plan does not have to count a million listings.
    linked        INTEGER NOT NULL DEFAULT 0,
    showing       INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE listing (
    id              INTEGER PRIMARY KEY,
    channel         INTEGER NOT NULL REFERENCES channel,
    key             TEXT NOT NULL,
    -- What the last full scan found, without its quantity.
    facts           TEXT NOT NULL,
    level           INTEGER,
    places          TEXT NOT NULL DEFAULT '[]',
    begun           INTEGER,
    gone            INTEGER,
    shown_kind      TEXT NOT NULL DEFAULT 'unknown' CHECK (shown_kind IN ('exactly', 'at_most', 'unknown')),
    shown           INTEGER,
    pushed          INTEGER,
    pushed_at       INTEGER,
    pushed_movement INTEGER,
    ceiling         INTEGER,
    ceiling_missing INTEGER,
    ceiling_until   INTEGER,
    refusal         TEXT,
    refused         INTEGER,
    refusal_tries   INTEGER,
    refusal_next    INTEGER,
    hidden          TEXT,
    hidden_ended    INTEGER,
    owners_change   INTEGER,
    sold            INTEGER NOT NULL DEFAULT 0,
    -- Why a linked listing does not follow, in words; null where it does.
    unfollowed      TEXT,
    -- Open links of a target listing, or open recipes that a source listing is part of.
    linked          INTEGER NOT NULL DEFAULT 0,
    -- Something about it changed since it was last planned.
    dirty           INTEGER NOT NULL DEFAULT 0 CHECK (dirty IN (0, 1)),
    UNIQUE (channel, key)
) STRICT;
CREATE INDEX listing_dirty ON listing (id) WHERE dirty = 1;
CREATE INDEX listing_unfollowed ON listing (channel, unfollowed) WHERE unfollowed IS NOT NULL;
CREATE INDEX listing_ceiling ON listing (channel, ceiling_until) WHERE ceiling_until IS NOT NULL;
CREATE INDEX listing_refusal ON listing (channel, refusal_next) WHERE refusal_next IS NOT NULL;

CREATE TRIGGER listing_counted AFTER UPDATE OF linked, shown_kind, shown ON listing BEGIN
    UPDATE channel SET
        linked = linked + (new.linked > 0) - (old.linked > 0),
        showing = showing
            + (new.linked > 0 AND (new.shown_kind = 'unknown' OR new.shown > 0))
            - (old.linked > 0 AND (old.shown_kind = 'unknown' OR old.shown > 0))
    WHERE id = new.channel
        AND ((new.linked > 0) <> (old.linked > 0) OR new.shown IS NOT old.shown OR new.shown_kind <> old.shown_kind);
END;

CREATE TABLE listing_sku (
    listing INTEGER NOT NULL REFERENCES listing,
    sku     TEXT NOT NULL,
    PRIMARY KEY (listing, sku)
) STRICT, WITHOUT ROWID;
CREATE INDEX listing_sku_sku ON listing_sku (sku);

-- A link is opened and closed, never changed.
CREATE TABLE link (
    id      INTEGER PRIMARY KEY,
    listing INTEGER NOT NULL REFERENCES listing,
    sku     TEXT,
    by_hand INTEGER NOT NULL CHECK (by_hand IN (0, 1)),
    active  INTEGER NOT NULL,
    closed  INTEGER
) STRICT;
CREATE INDEX link_listing ON link (listing);

CREATE TABLE part (
    link   INTEGER NOT NULL REFERENCES link,
    source INTEGER NOT NULL REFERENCES listing,
    units  INTEGER NOT NULL CHECK (units > 0),
    PRIMARY KEY (link, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX part_source ON part (source);

CREATE TABLE line (
    id          INTEGER PRIMARY KEY,
    channel     INTEGER NOT NULL REFERENCES channel,
    key         TEXT NOT NULL,
    order_no    TEXT NOT NULL,
    sku         TEXT,
    listing     INTEGER REFERENCES listing,
    link        INTEGER REFERENCES link,
    placed      INTEGER NOT NULL,
    taken       INTEGER NOT NULL,
    baseline    INTEGER NOT NULL,
    counts      INTEGER NOT NULL CHECK (counts IN (0, 1)),
    unfinished  INTEGER NOT NULL CHECK (unfinished IN (0, 1)),
    shipped     INTEGER NOT NULL CHECK (shipped IN (0, 1)),
    restock     TEXT NOT NULL,
    held        TEXT,
    contained   INTEGER NOT NULL,
    -- It was sold on the source itself.
    own         INTEGER NOT NULL CHECK (own IN (0, 1)),
    UNIQUE (channel, key)
) STRICT;
CREATE INDEX line_own ON line (listing) WHERE own = 1 AND taken <> contained;
CREATE INDEX line_held ON line (channel) WHERE held IS NOT NULL;
CREATE INDEX line_unfinished ON line (channel) WHERE unfinished = 1;
CREATE INDEX line_listing ON line (listing, placed);

CREATE TABLE share (
    line    INTEGER NOT NULL REFERENCES line,
    source  INTEGER NOT NULL REFERENCES listing,
    units   INTEGER NOT NULL,
    owed    INTEGER NOT NULL,
    applied INTEGER NOT NULL,
    PRIMARY KEY (line, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX share_open ON share (source) WHERE owed <> applied;
CREATE INDEX share_source ON share (source);

-- A call as it was stored before it was sent.
CREATE TABLE call (
    id      INTEGER PRIMARY KEY,
    channel INTEGER NOT NULL REFERENCES channel,
    key     TEXT NOT NULL,
    body    TEXT NOT NULL,
    opened  INTEGER NOT NULL
) STRICT;

CREATE TABLE intent (
    id       INTEGER PRIMARY KEY,
    listing  INTEGER NOT NULL REFERENCES listing,
    act      TEXT NOT NULL CHECK (act IN ('adjust', 'hide', 'end', 'show')),
    delta    INTEGER,
    before   INTEGER,
    former   TEXT,
    call     INTEGER REFERENCES call,
    position INTEGER NOT NULL DEFAULT 0,
    opened   INTEGER NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('open', 'applied', 'not_applied', 'in_doubt')),
    closed   INTEGER,
    proof    TEXT
) STRICT;
-- One adjustment of a source listing is open at a time (X1).
CREATE UNIQUE INDEX intent_one_open ON intent (listing) WHERE act = 'adjust' AND state IN ('open', 'in_doubt');
CREATE INDEX intent_unfinished ON intent (listing) WHERE state IN ('open', 'in_doubt');
CREATE INDEX intent_call ON intent (call);

CREATE TABLE intent_line (
    intent INTEGER NOT NULL REFERENCES intent,
    nth    INTEGER NOT NULL,
    line   INTEGER NOT NULL REFERENCES line,
    units  INTEGER NOT NULL,
    PRIMARY KEY (intent, nth)
) STRICT, WITHOUT ROWID;

CREATE TABLE hold (
    id       INTEGER PRIMARY KEY,
    channel  INTEGER NOT NULL REFERENCES channel,
    why      TEXT NOT NULL,
    since    INTEGER NOT NULL,
    reported INTEGER NOT NULL DEFAULT 0 CHECK (reported IN (0, 1)),
    note     TEXT NOT NULL,
    released INTEGER
) STRICT;

CREATE TABLE held (
    hold     INTEGER NOT NULL REFERENCES hold,
    listing  INTEGER NOT NULL REFERENCES listing,
    quantity INTEGER NOT NULL,
    released INTEGER,
    PRIMARY KEY (hold, listing)
) STRICT, WITHOUT ROWID;
CREATE INDEX held_listing ON held (listing) WHERE released IS NULL;

CREATE TABLE held_part (
    hold    INTEGER NOT NULL,
    listing INTEGER NOT NULL,
    source  INTEGER NOT NULL REFERENCES listing,
    units   INTEGER NOT NULL,
    sold    INTEGER NOT NULL,
    PRIMARY KEY (hold, listing, source),
    FOREIGN KEY (hold, listing) REFERENCES held
) STRICT, WITHOUT ROWID;

CREATE TABLE run (
    id      INTEGER PRIMARY KEY,
    command TEXT NOT NULL,
    began   INTEGER NOT NULL,
    ended   INTEGER,
    exit    INTEGER,
    summary TEXT
) STRICT;

-- The ledger; it is only ever added to.
CREATE TABLE movement (
    id       INTEGER PRIMARY KEY,
    run      INTEGER NOT NULL REFERENCES run,
    listing  INTEGER NOT NULL REFERENCES listing,
    from_no  INTEGER,
    to_no    INTEGER,
    moment   INTEGER NOT NULL,
    why      TEXT NOT NULL,
    line     INTEGER REFERENCES line,
    intent   INTEGER REFERENCES intent,
    note     TEXT
) STRICT;
CREATE INDEX movement_listing ON movement (listing, id);
CREATE INDEX movement_why ON movement (why, moment) WHERE why IN ('zeroed', 'corrected');
CREATE INDEX movement_run ON movement (run);
