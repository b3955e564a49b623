-- Times are ms since 1970; ids are 32 hex digits; absent text is ''. docs: store/schema.md.
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
INSERT INTO meta (key, value) VALUES ('stamp', '0');

CREATE TABLE host (
    name TEXT PRIMARY KEY,
    uri TEXT NOT NULL,
    accel TEXT NOT NULL,
    accel_reason TEXT NOT NULL,
    report TEXT NOT NULL,
    memory_mib INTEGER NOT NULL,
    free_memory_mib INTEGER NOT NULL,
    free_disk_mib INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('up', 'down')),
    reason TEXT NOT NULL,
    reason_text TEXT NOT NULL,
    heartbeat_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE template (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('disk', 'kernel')),
    path TEXT NOT NULL,
    kernel TEXT NOT NULL,
    initrd TEXT NOT NULL,
    cmdline TEXT NOT NULL,
    disk_format TEXT NOT NULL,
    virtual_bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    memory_mib INTEGER NOT NULL,
    vcpus INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('checking', 'ready', 'missing', 'corrupt', 'removed')),
    reason TEXT NOT NULL,
    reason_text TEXT NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE pool (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('floating', 'dedicated', 'static')),
    template TEXT NOT NULL CHECK ((template = '') = (kind = 'static')),
    spares INTEGER NOT NULL,
    max_desktops INTEGER NOT NULL,
    memory_mib INTEGER NOT NULL,
    vcpus INTEGER NOT NULL,
    disconnect_timeout_s INTEGER NOT NULL,
    is_maintenance INTEGER NOT NULL CHECK (is_maintenance IN (0, 1)),
    is_deleted INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
    created_ms INTEGER NOT NULL,
    problem TEXT NOT NULL,
    problem_text TEXT NOT NULL,
    retry_ms INTEGER NOT NULL,
    UNIQUE (name, kind)
) STRICT;

CREATE TABLE desktop (
    id TEXT PRIMARY KEY CHECK (length(id) = 32),
    pool TEXT NOT NULL,
    host TEXT NOT NULL,
    version INTEGER NOT NULL CHECK (version > 0),
    kind TEXT NOT NULL,
    lease TEXT NOT NULL CHECK (lease IN ('free', 'assigned', 'in_use', 'disconnected', 'ending')),
    power TEXT NOT NULL CHECK (power IN ('absent', 'cloning', 'starting', 'running', 'suspended',
        'rebooting', 'migrating', 'stopping', 'stopped', 'failed')),
    want TEXT NOT NULL CHECK (want IN ('run', 'stop', 'delete')),
    is_tainted INTEGER NOT NULL CHECK (is_tainted IN (0, 1)),
    is_ready INTEGER NOT NULL CHECK (is_ready IN (0, 1)),
    is_maintenance INTEGER NOT NULL CHECK (is_maintenance IN (0, 1)),
    user_name TEXT NOT NULL,
    session TEXT NOT NULL,
    uuid TEXT NOT NULL,
    domain TEXT NOT NULL,
    overlay TEXT NOT NULL,
    vnc_target TEXT NOT NULL,
    vnc_password TEXT NOT NULL,
    reason TEXT NOT NULL,
    reason_text TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    retry_ms INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    ready_ms INTEGER NOT NULL,
    FOREIGN KEY (pool, kind) REFERENCES pool (name, kind),
    -- The legal pairs of store/desktop_state.c.
    CONSTRAINT pair_is_legal CHECK (lease IN ('free', 'ending')
        OR power NOT IN ('absent', 'cloning')),
    CONSTRAINT given_is_never_free CHECK (lease <> 'free' OR is_tainted = 0 OR kind = 'static'),
    CONSTRAINT given_is_tainted CHECK (lease IN ('free', 'ending') OR is_tainted = 1),
    CONSTRAINT given_has_a_person CHECK (lease IN ('free', 'ending') OR user_name <> ''),
    CONSTRAINT free_is_nobodys CHECK (lease <> 'free' OR (user_name = '' AND session = '')),
    CONSTRAINT on_it_has_a_session CHECK (lease NOT IN ('in_use', 'disconnected')
        OR session <> ''),
    CONSTRAINT ready_runs CHECK (is_ready = 0 OR power = 'running')
) STRICT;
CREATE INDEX desktop_by_pool ON desktop (pool, lease, power);
CREATE UNIQUE INDEX desktop_one_per_person ON desktop (pool, user_name)
    WHERE user_name <> '' AND lease <> 'ending';
CREATE UNIQUE INDEX desktop_one_per_session ON desktop (session) WHERE session <> '';
CREATE UNIQUE INDEX desktop_one_per_domain ON desktop (host, domain) WHERE domain <> '';

CREATE TRIGGER desktop_keeps_its_nature BEFORE UPDATE ON desktop
WHEN NEW.id <> OLD.id OR NEW.pool <> OLD.pool OR NEW.kind <> OLD.kind
BEGIN SELECT RAISE(ABORT, 'a desktop keeps its id, pool and kind'); END;
CREATE TRIGGER desktop_stays_tainted BEFORE UPDATE ON desktop
WHEN OLD.is_tainted = 1 AND NEW.is_tainted = 0
BEGIN SELECT RAISE(ABORT, 'a desktop that was given stays so'); END;
CREATE TRIGGER desktop_keeps_its_person BEFORE UPDATE ON desktop
WHEN OLD.user_name <> '' AND NEW.user_name <> OLD.user_name
    AND NOT (NEW.lease = 'free' AND NEW.user_name = '')
BEGIN SELECT RAISE(ABORT, 'a desktop is not handed from one person to another'); END;
CREATE TRIGGER desktop_is_fenced BEFORE UPDATE ON desktop
WHEN NEW.version < OLD.version OR (NEW.version = OLD.version
    AND ((OLD.lease = 'free') <> (NEW.lease = 'free')
        OR (OLD.lease = 'ending') <> (NEW.lease = 'ending')))
BEGIN SELECT RAISE(ABORT, 'a desktop that changes hands needs a new version'); END;
CREATE TRIGGER desktop_ends_once BEFORE UPDATE ON desktop
WHEN OLD.lease = 'ending' AND NOT (NEW.lease = 'ending'
    OR (NEW.lease = 'assigned' AND OLD.kind = 'dedicated' AND OLD.is_tainted = 1)
    OR (NEW.lease = 'free' AND OLD.kind = 'static'))
BEGIN SELECT RAISE(ABORT, 'an ending desktop does not come back'); END;
CREATE TRIGGER desktop_goes_when_gone BEFORE DELETE ON desktop
WHEN OLD.lease <> 'ending' OR (OLD.power <> 'absent' AND OLD.kind <> 'static')
    OR OLD.session <> ''
BEGIN SELECT RAISE(ABORT, 'only a desktop whose machine is gone may be deleted'); END;

CREATE TABLE quarantine (
    id TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    pool TEXT NOT NULL,
    user_name TEXT NOT NULL,
    uuid TEXT NOT NULL,
    domain TEXT NOT NULL,
    overlay TEXT NOT NULL,
    reason_text TEXT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('', 'adopt', 'purge')),
    seen_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE account (
    name TEXT PRIMARY KEY CHECK (name <> ''),
    display TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('user', 'admin')),
    is_disabled INTEGER NOT NULL CHECK (is_disabled IN (0, 1)),
    created_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX account_by_folded_name ON account (lower(name));

CREATE TABLE entitlement (
    user_name TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,
    pool TEXT NOT NULL REFERENCES pool (name) ON DELETE CASCADE,
    PRIMARY KEY (user_name, pool)
) STRICT;
CREATE INDEX entitlement_by_pool ON entitlement (pool);

CREATE TABLE session (
    id TEXT PRIMARY KEY CHECK (length(id) = 32),
    user_name TEXT NOT NULL CHECK (user_name <> ''),
    pool TEXT NOT NULL CHECK (pool <> ''),
    desktop TEXT NOT NULL,
    desktop_version INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'active', 'disconnected', 'ended')),
    protocol INTEGER NOT NULL,
    client TEXT NOT NULL,
    client_name TEXT NOT NULL,
    ticket TEXT NOT NULL,
    gateway TEXT NOT NULL,
    conn INTEGER NOT NULL,
    started_ms INTEGER NOT NULL,
    lease_until_ms INTEGER NOT NULL,
    disconnected_ms INTEGER NOT NULL,
    ended_ms INTEGER NOT NULL,
    reason TEXT NOT NULL,
    stats TEXT NOT NULL,
    CONSTRAINT on_a_desktop CHECK (state IN ('waiting', 'ended') OR desktop <> '')
) STRICT;
CREATE UNIQUE INDEX session_one_per_person ON session (user_name, pool) WHERE state <> 'ended';
CREATE UNIQUE INDEX session_one_per_desktop ON session (desktop)
    WHERE state <> 'ended' AND desktop <> '';
CREATE INDEX session_by_conn ON session (gateway, conn) WHERE state <> 'ended';
CREATE INDEX session_by_start ON session (started_ms);
CREATE TRIGGER session_ends_once BEFORE UPDATE ON session
WHEN OLD.state = 'ended' AND NEW.state <> 'ended'
BEGIN SELECT RAISE(ABORT, 'a session that has ended does not come back'); END;
CREATE TRIGGER session_keeps_its_desktop BEFORE UPDATE ON session
WHEN OLD.desktop <> '' AND (NEW.desktop <> OLD.desktop
    OR NEW.desktop_version <> OLD.desktop_version)
BEGIN SELECT RAISE(ABORT, 'a session keeps its desktop'); END;

CREATE TABLE ticket (
    id TEXT PRIMARY KEY CHECK (length(id) = 18),
    secret TEXT NOT NULL,
    user_name TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,
    pool TEXT NOT NULL REFERENCES pool (name) ON DELETE CASCADE,
    session TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    first_use_by_ms INTEGER NOT NULL,
    used_ms INTEGER NOT NULL,
    revoked_ms INTEGER NOT NULL,
    failures INTEGER NOT NULL
) STRICT;
CREATE INDEX ticket_by_user ON ticket (user_name);
CREATE INDEX ticket_by_pool ON ticket (pool);
CREATE INDEX ticket_by_session ON ticket (session) WHERE session <> '';

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    time_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action <> ''),
    reason TEXT NOT NULL,
    object TEXT NOT NULL,
    user_name TEXT NOT NULL,
    client TEXT NOT NULL,
    detail TEXT NOT NULL,
    event_count INTEGER NOT NULL,
    flood_prefix TEXT NOT NULL,
    flood_minute INTEGER NOT NULL,
    is_counter INTEGER NOT NULL
) STRICT;
CREATE INDEX audit_by_time ON audit (time_ms);
CREATE INDEX audit_by_flood ON audit (flood_minute, flood_prefix, reason)
    WHERE flood_prefix <> '';
CREATE UNIQUE INDEX audit_one_counter ON audit (flood_minute, flood_prefix, reason)
    WHERE is_counter = 1;
CREATE TRIGGER audit_only_counts BEFORE UPDATE ON audit
WHEN OLD.is_counter = 0 OR NEW.event_count < OLD.event_count OR NEW.id <> OLD.id
BEGIN SELECT RAISE(ABORT, 'the audit is append only'); END;
