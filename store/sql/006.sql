-- The pool's settings (store/pool_settings.c has their ranges and defaults), the person in the desktop, alarms.
ALTER TABLE pool ADD COLUMN template_version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pool ADD COLUMN spares_suspended INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pool ADD COLUMN spare_max_age_s INTEGER NOT NULL DEFAULT 86400;
ALTER TABLE pool ADD COLUMN schedule TEXT NOT NULL DEFAULT '';
ALTER TABLE pool ADD COLUMN has_forecast INTEGER NOT NULL DEFAULT 0 CHECK (has_forecast IN (0, 1));
ALTER TABLE pool ADD COLUMN clone_method TEXT NOT NULL DEFAULT 'auto'
    CHECK (clone_method IN ('auto', 'instant', 'restore', 'cold'));
ALTER TABLE pool ADD COLUMN cpu_shares INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pool ADD COLUMN cpu_cap_percent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pool ADD COLUMN disk_iops INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pool ADD COLUMN disk_mib_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pool ADD COLUMN balloon_min_mib INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pool ADD COLUMN has_tpm INTEGER NOT NULL DEFAULT 0 CHECK (has_tpm IN (0, 1));
ALTER TABLE pool ADD COLUMN has_secure_boot INTEGER NOT NULL DEFAULT 0
    CHECK (has_secure_boot IN (0, 1));
ALTER TABLE pool ADD COLUMN firmware TEXT NOT NULL DEFAULT 'bios' CHECK (firmware IN ('bios', 'uefi'));
ALTER TABLE pool ADD COLUMN has_autostart INTEGER NOT NULL DEFAULT 0 CHECK (has_autostart IN (0, 1));
ALTER TABLE pool ADD COLUMN network TEXT NOT NULL DEFAULT 'isolated'
    CHECK (network IN ('isolated', 'nat', 'routed', 'bridged', 'none'));
ALTER TABLE pool ADD COLUMN network_name TEXT NOT NULL DEFAULT '';
ALTER TABLE pool ADD COLUMN display TEXT NOT NULL DEFAULT 'auto' CHECK (display IN ('auto', 'vnc', 'rdp'));
ALTER TABLE pool ADD COLUMN idle_timeout_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pool ADD COLUMN max_session_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pool ADD COLUMN warn_first_s INTEGER NOT NULL DEFAULT 300;
ALTER TABLE pool ADD COLUMN warn_last_s INTEGER NOT NULL DEFAULT 60;
ALTER TABLE pool ADD COLUMN allowed_hours TEXT NOT NULL DEFAULT '';
ALTER TABLE pool ADD COLUMN allowed_from TEXT NOT NULL DEFAULT '';
ALTER TABLE pool ADD COLUMN max_per_user INTEGER NOT NULL DEFAULT 1 CHECK (max_per_user BETWEEN 1 AND 16);
ALTER TABLE pool ADD COLUMN person TEXT NOT NULL DEFAULT 'auto' CHECK (person IN ('auto', 'off'));
ALTER TABLE pool ADD COLUMN home TEXT NOT NULL DEFAULT 'none' CHECK (home IN ('none', 'volume', 'nfs'));
ALTER TABLE pool ADD COLUMN home_size_mib INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pool ADD COLUMN home_target TEXT NOT NULL DEFAULT '';
ALTER TABLE pool ADD COLUMN on_assign TEXT NOT NULL DEFAULT '';
ALTER TABLE pool ADD COLUMN on_logoff TEXT NOT NULL DEFAULT '';
ALTER TABLE pool ADD COLUMN hook_deadline_s INTEGER NOT NULL DEFAULT 30;

-- A template is its versions; a number that was given is never given again.
ALTER TABLE template RENAME TO old_template;
CREATE TABLE template (
    name TEXT PRIMARY KEY,
    last_version INTEGER NOT NULL
) STRICT;
INSERT INTO template (name, last_version) SELECT name, 1 FROM old_template WHERE state <> 'removed';
CREATE TABLE template_version (
    template TEXT NOT NULL REFERENCES template (name) ON DELETE CASCADE,
    version INTEGER NOT NULL CHECK (version > 0),
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
    state TEXT NOT NULL CHECK (state IN ('checking', 'ready', 'missing', 'corrupt')),
    reason TEXT NOT NULL,
    reason_text TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    has_hook INTEGER NOT NULL CHECK (has_hook IN (0, 1)),
    is_windows INTEGER NOT NULL DEFAULT 0 CHECK (is_windows IN (0, 1)),
    PRIMARY KEY (template, version)
) STRICT;
INSERT INTO template_version (template, version, kind, path, kernel, initrd, cmdline, disk_format,
    virtual_bytes, sha256, memory_mib, vcpus, state, reason, reason_text, created_ms, has_hook)
    SELECT name, 1, kind, path, kernel, initrd, cmdline, disk_format, virtual_bytes, sha256,
        memory_mib, vcpus, state, reason, reason_text, created_ms, 0
    FROM old_template WHERE state <> 'removed';
DROP TABLE old_template;

-- What a desktop was cloned of: its overlay needs that for as long as it lives.
ALTER TABLE desktop ADD COLUMN template TEXT NOT NULL DEFAULT '';
ALTER TABLE desktop ADD COLUMN template_version INTEGER NOT NULL DEFAULT 0;
UPDATE desktop SET template_version = 1,
    template = (SELECT p.template FROM pool p WHERE p.name = desktop.pool) WHERE kind <> 'static';
CREATE INDEX desktop_by_template ON desktop (template, template_version);

-- People who begin a session, by quarters of an hour of the week (store/forecast.h).
CREATE TABLE forecast (
    pool TEXT NOT NULL REFERENCES pool (name) ON DELETE CASCADE,
    slot INTEGER NOT NULL CHECK (slot BETWEEN 0 AND 671),
    mean_milli INTEGER NOT NULL,
    sampled_ms INTEGER NOT NULL,
    PRIMARY KEY (pool, slot)
) STRICT;

-- A person may have several desktops of a pool: each has a slot, from 1.
ALTER TABLE desktop ADD COLUMN slot INTEGER NOT NULL DEFAULT 1 CHECK (slot BETWEEN 1 AND 16);
ALTER TABLE desktop ADD COLUMN person TEXT NOT NULL DEFAULT 'none'
    CHECK (person IN ('none', 'wanted', 'ready', 'failed'));
ALTER TABLE desktop ADD COLUMN guest_state TEXT NOT NULL DEFAULT ''
    CHECK (guest_state IN ('', 'logged_on', 'locked', 'logged_off'));
ALTER TABLE desktop ADD COLUMN is_instant INTEGER NOT NULL DEFAULT 0 CHECK (is_instant IN (0, 1));
ALTER TABLE ticket ADD COLUMN slot INTEGER NOT NULL DEFAULT 1 CHECK (slot BETWEEN 1 AND 16);
-- Of all pools together, at once; 0: no limit.
ALTER TABLE account ADD COLUMN max_desktops INTEGER NOT NULL DEFAULT 0;
DROP INDEX desktop_one_per_person;
CREATE UNIQUE INDEX desktop_one_per_person ON desktop (pool, user_name, slot)
    WHERE user_name <> '' AND lease <> 'ending';

ALTER TABLE session ADD COLUMN slot INTEGER NOT NULL DEFAULT 1 CHECK (slot BETWEEN 1 AND 16);
ALTER TABLE session ADD COLUMN locale TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN timezone TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN keyboard TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN warned_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN queue_ms INTEGER NOT NULL DEFAULT 0;
DROP INDEX session_one_per_person;
CREATE UNIQUE INDEX session_one_per_person ON session (user_name, pool, slot) WHERE state <> 'ended';

-- What an administrator must look at: one row for each thing that is wrong now.
CREATE TABLE alarm (
    reason TEXT NOT NULL CHECK (reason <> ''),
    object TEXT NOT NULL CHECK (object <> ''),
    text TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL,
    event_count INTEGER NOT NULL,
    PRIMARY KEY (reason, object)
) STRICT;

-- Which address of a guests' network belongs to which card. It is free again when no desktop has that id any more.
CREATE TABLE lease_address (
    host TEXT NOT NULL,
    network TEXT NOT NULL,
    slot INTEGER NOT NULL CHECK (slot >= 0),
    mac TEXT NOT NULL,
    desktop TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    PRIMARY KEY (host, network, slot)
) STRICT;
CREATE UNIQUE INDEX lease_address_by_mac ON lease_address (host, network, mac);
CREATE INDEX lease_address_by_desktop ON lease_address (desktop);

-- Who logs in at a desktop that is shown by RDP (vnc_target 'rdp:...'), and the certificate it must show.
CREATE TABLE rdp_login (
    desktop TEXT PRIMARY KEY REFERENCES desktop (id) ON DELETE CASCADE,
    user_name TEXT NOT NULL,
    domain TEXT NOT NULL,
    fingerprint TEXT NOT NULL
) STRICT;

-- Prepared desktops that clones begin as copies of (vmpool/golden_plan.h). One that is building or ready is the only one of
-- what it is made from.
CREATE TABLE golden (
    id TEXT PRIMARY KEY CHECK (length(id) = 32),
    host TEXT NOT NULL,
    template TEXT NOT NULL,
    template_version INTEGER NOT NULL,
    devices TEXT NOT NULL,
    machine TEXT NOT NULL,
    qemu INTEGER NOT NULL,
    is_shared INTEGER NOT NULL CHECK (is_shared IN (0, 1)),
    memory_mib INTEGER NOT NULL,
    vcpus INTEGER NOT NULL,
    uuid TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('building', 'ready', 'failed', 'stale')),
    percent INTEGER NOT NULL CHECK (percent BETWEEN 0 AND 100),
    state_text TEXT NOT NULL,
    path TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    built_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX golden_one_of_a_kind ON golden (host, template, template_version, devices, machine, qemu)
    WHERE state IN ('building', 'ready');
-- Which one a desktop is a copy of, whatever became of it; and why it was made the way it was.
ALTER TABLE desktop ADD COLUMN golden TEXT NOT NULL DEFAULT '';
ALTER TABLE desktop ADD COLUMN made_text TEXT NOT NULL DEFAULT '';
CREATE INDEX desktop_by_golden ON desktop (golden) WHERE golden <> '';

-- The hook of the machine's guest, as seen when it became ready.
ALTER TABLE desktop ADD COLUMN has_hook INTEGER NOT NULL DEFAULT 0 CHECK (has_hook IN (0, 1));

-- A person's number in guests and on their homes: given once, never to another.
CREATE TABLE person_uid (
    user_name TEXT PRIMARY KEY CHECK (user_name <> ''),
    uid INTEGER NOT NULL UNIQUE CHECK (uid BETWEEN 10000 AND 2000000000)
) STRICT;

-- A person's home in a pool: on one desktop at a time, under the lease's version.
CREATE TABLE home (
    id TEXT PRIMARY KEY CHECK (length(id) = 32),
    user_name TEXT NOT NULL CHECK (user_name <> ''),
    pool TEXT NOT NULL CHECK (pool <> ''),
    kind TEXT NOT NULL CHECK (kind IN ('volume', 'nfs')),
    path TEXT NOT NULL,
    size_mib INTEGER NOT NULL,
    desktop TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    used_ms INTEGER NOT NULL,
    UNIQUE (user_name, pool, kind),
    CONSTRAINT attached_has_a_version CHECK ((desktop = '') = (version = 0))
) STRICT;
CREATE INDEX home_by_desktop ON home (desktop) WHERE desktop <> '';
CREATE TRIGGER home_is_on_one_desktop BEFORE UPDATE ON home
WHEN OLD.desktop <> '' AND NEW.desktop <> '' AND (NEW.desktop <> OLD.desktop OR NEW.version < OLD.version)
BEGIN SELECT RAISE(ABORT, 'a home is on one desktop at a time'); END;
CREATE TRIGGER home_keeps_its_nature BEFORE UPDATE ON home
WHEN NEW.id <> OLD.id OR NEW.user_name <> OLD.user_name OR NEW.pool <> OLD.pool OR NEW.kind <> OLD.kind
    OR NEW.path <> OLD.path
BEGIN SELECT RAISE(ABORT, 'a home keeps its person, pool and place'); END;
CREATE TRIGGER home_goes_when_free BEFORE DELETE ON home WHEN OLD.desktop <> ''
BEGIN SELECT RAISE(ABORT, 'a home in use is not deleted'); END;

-- What the browser says that a ticket is made for.
ALTER TABLE ticket ADD COLUMN locale TEXT NOT NULL DEFAULT '';
ALTER TABLE ticket ADD COLUMN timezone TEXT NOT NULL DEFAULT '';
ALTER TABLE ticket ADD COLUMN keyboard TEXT NOT NULL DEFAULT '';
