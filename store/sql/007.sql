-- Who may do what in the console, groups, tokens, work that takes a while, what the site says itself.
ALTER TABLE account ADD COLUMN console_role TEXT NOT NULL DEFAULT 'user'
    CHECK (console_role IN ('user', 'viewer', 'operator', 'admin'));
UPDATE account SET console_role = role;
ALTER TABLE account DROP COLUMN role;
ALTER TABLE account RENAME COLUMN console_role TO role;
-- May look at somebody's desktop without being asked in; each time with a reason that is written down.
ALTER TABLE account ADD COLUMN may_break_glass INTEGER NOT NULL DEFAULT 0
    CHECK (may_break_glass IN (0, 1));

CREATE TABLE person_group (
    name TEXT PRIMARY KEY CHECK (name <> ''),
    display TEXT NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX person_group_by_folded_name ON person_group (lower(name));
CREATE TABLE group_person (
    group_name TEXT NOT NULL REFERENCES person_group (name) ON DELETE CASCADE,
    user_name TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,
    PRIMARY KEY (group_name, user_name)
) STRICT;
CREATE INDEX group_person_by_user ON group_person (user_name);
-- Nested once: a child has no children (store/group.h keeps it so).
CREATE TABLE group_child (
    group_name TEXT NOT NULL REFERENCES person_group (name) ON DELETE CASCADE,
    child TEXT NOT NULL REFERENCES person_group (name) ON DELETE CASCADE,
    PRIMARY KEY (group_name, child),
    CHECK (group_name <> child)
) STRICT;
CREATE INDEX group_child_by_child ON group_child (child);
CREATE TABLE group_entitlement (
    group_name TEXT NOT NULL REFERENCES person_group (name) ON DELETE CASCADE,
    pool TEXT NOT NULL REFERENCES pool (name) ON DELETE CASCADE,
    PRIMARY KEY (group_name, pool)
) STRICT;
CREATE INDEX group_entitlement_by_pool ON group_entitlement (pool);

-- Every way in which a person may use a pool: by their own entitlement (''), or by that of a group.
CREATE VIEW person_pool AS
    SELECT e.user_name AS user_name, e.pool AS pool, '' AS group_name FROM entitlement e
    UNION ALL
    SELECT m.user_name, e.pool, e.group_name FROM group_entitlement e
        JOIN group_person m ON m.group_name = e.group_name
    UNION ALL
    SELECT m.user_name, e.pool, e.group_name FROM group_entitlement e
        JOIN group_child c ON c.group_name = e.group_name JOIN group_person m ON m.group_name = c.child;

-- Personal access tokens, for scripts: never more than their person may do now.
CREATE TABLE token (
    id TEXT PRIMARY KEY CHECK (length(id) = 32),
    user_name TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,
    label TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    scope TEXT NOT NULL CHECK (scope IN ('viewer', 'operator', 'admin')),
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    used_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX token_by_user ON token (user_name);

-- Work that somebody asked for and that a host does: each is taken once, and its end stays to be read.
CREATE TABLE job (
    id TEXT PRIMARY KEY CHECK (length(id) = 32),
    kind TEXT NOT NULL CHECK (kind <> ''),
    object TEXT NOT NULL,
    host TEXT NOT NULL,
    actor TEXT NOT NULL,
    parameters TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'queued', 'running', 'done', 'failed', 'cancelled')),
    is_cancel_wanted INTEGER NOT NULL DEFAULT 0 CHECK (is_cancel_wanted IN (0, 1)),
    is_seal_wanted INTEGER NOT NULL DEFAULT 0 CHECK (is_seal_wanted IN (0, 1)),
    progress_percent INTEGER NOT NULL DEFAULT 0 CHECK (progress_percent BETWEEN 0 AND 100),
    progress_text TEXT NOT NULL DEFAULT '',
    result TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    reason_text TEXT NOT NULL DEFAULT '',
    created_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX job_by_state ON job (host, state, created_ms);

-- The site's own words: whom to call, and texts in place of those of base/reason.c.
CREATE TABLE site (
    key TEXT PRIMARY KEY CHECK (key <> ''),
    value TEXT NOT NULL
) STRICT;

-- Nobody new is put on a host that is emptied.
ALTER TABLE host ADD COLUMN is_draining INTEGER NOT NULL DEFAULT 0 CHECK (is_draining IN (0, 1));
-- How busy it is; pressure as the kernel says it: hundredths of a percent of the last ten seconds.
ALTER TABLE host ADD COLUMN cpus INTEGER NOT NULL DEFAULT 0 CHECK (cpus >= 0);
ALTER TABLE host ADD COLUMN cpu_permille INTEGER NOT NULL DEFAULT 0 CHECK (cpu_permille BETWEEN 0 AND 1000);
ALTER TABLE host ADD COLUMN load_centi INTEGER NOT NULL DEFAULT 0 CHECK (load_centi >= 0);
ALTER TABLE host ADD COLUMN pressure_cpu_centi INTEGER NOT NULL DEFAULT 0 CHECK (pressure_cpu_centi >= 0);
ALTER TABLE host ADD COLUMN pressure_memory_centi INTEGER NOT NULL DEFAULT 0 CHECK (pressure_memory_centi >= 0);
ALTER TABLE host ADD COLUMN pressure_io_centi INTEGER NOT NULL DEFAULT 0 CHECK (pressure_io_centi >= 0);
ALTER TABLE pool ADD COLUMN has_thumbnails INTEGER NOT NULL DEFAULT 1 CHECK (has_thumbnails IN (0, 1));

-- Somebody who looks at another person's desktop: with their consent, or by breaking the glass.
CREATE TABLE watch (
    id TEXT PRIMARY KEY CHECK (length(id) = 32),
    session TEXT NOT NULL,
    user_name TEXT NOT NULL,
    pool TEXT NOT NULL,
    watcher TEXT NOT NULL,
    mode TEXT NOT NULL CHECK (mode IN ('consent', 'break_glass')),
    why TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('asked', 'granted', 'refused', 'active', 'ended')),
    reason TEXT NOT NULL DEFAULT '',
    created_ms INTEGER NOT NULL,
    answered_ms INTEGER NOT NULL,
    begun_ms INTEGER NOT NULL,
    ended_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX watch_by_session ON watch (session, state);
CREATE INDEX watch_by_age ON watch (created_ms, id);
CREATE UNIQUE INDEX watch_one_each ON watch (session, watcher) WHERE state IN ('asked', 'granted', 'active');

-- A row's place in the chain: SHA-256 over the one before it and what never changes in this one (store/audit_chain.h).
ALTER TABLE audit ADD COLUMN chain TEXT NOT NULL DEFAULT '';
-- Of a flood counter whose minute is over: the row that says its number for good.
ALTER TABLE audit ADD COLUMN closed_seq INTEGER NOT NULL DEFAULT 0;
CREATE INDEX audit_open_counter ON audit (flood_minute) WHERE is_counter = 1 AND closed_seq = 0
    AND chain <> '';
-- The chain's ends: the last row that is gone ('anchor') and the last one written ('head').
CREATE TABLE audit_chain (
    key TEXT PRIMARY KEY CHECK (key IN ('anchor', 'head')),
    seq INTEGER NOT NULL,
    chain TEXT NOT NULL
) STRICT;

-- Lists go on where the page before ended.
CREATE INDEX desktop_by_age ON desktop (created_ms, id);
