-- What may pass between a desktop and its client beside pixels and input.
ALTER TABLE pool ADD COLUMN clipboard TEXT NOT NULL DEFAULT 'both'
    CHECK (clipboard IN ('none', 'to_guest', 'to_client', 'both'));
ALTER TABLE pool ADD COLUMN clipboard_max_bytes INTEGER NOT NULL DEFAULT 1048576
    CHECK (clipboard_max_bytes BETWEEN 0 AND 16777216);
ALTER TABLE pool ADD COLUMN has_sound INTEGER NOT NULL DEFAULT 1 CHECK (has_sound IN (0, 1));
