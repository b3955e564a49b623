-- Logins at the portal, each a cookie of one browser; the second factor; tickets that only one login may use.
CREATE TABLE weblogin (
    id TEXT PRIMARY KEY CHECK (length(id) = 32),
    token_hash TEXT NOT NULL UNIQUE CHECK (length(token_hash) = 64),
    user_name TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,
    created_ms INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL,
    idle_until_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    client TEXT NOT NULL,
    agent TEXT NOT NULL,
    totp_pending TEXT NOT NULL,
    CONSTRAINT idle_ends_first CHECK (idle_until_ms <= expires_ms)
) STRICT;
CREATE INDEX weblogin_by_user ON weblogin (user_name, seen_ms);
CREATE INDEX weblogin_by_end ON weblogin (idle_until_ms);
CREATE TRIGGER weblogin_keeps_its_person BEFORE UPDATE ON weblogin
WHEN NEW.id <> OLD.id OR NEW.token_hash <> OLD.token_hash OR NEW.user_name <> OLD.user_name
BEGIN SELECT RAISE(ABORT, 'a login keeps its person and its cookie'); END;
CREATE TRIGGER weblogin_keeps_its_end BEFORE UPDATE ON weblogin
WHEN NEW.expires_ms > OLD.expires_ms
BEGIN SELECT RAISE(ABORT, 'a login is not made longer'); END;

ALTER TABLE account ADD COLUMN totp_secret TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN totp_last_step INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER account_code_counts_once BEFORE UPDATE ON account
WHEN NEW.totp_secret = OLD.totp_secret AND NEW.totp_last_step < OLD.totp_last_step
BEGIN SELECT RAISE(ABORT, 'a code that was used stays used'); END;

ALTER TABLE ticket ADD COLUMN binding TEXT NOT NULL DEFAULT ''
    CHECK (binding = '' OR length(binding) = 64);
CREATE INDEX ticket_by_binding ON ticket (binding) WHERE binding <> '';
CREATE TRIGGER ticket_keeps_its_nature BEFORE UPDATE ON ticket
WHEN NEW.binding <> OLD.binding OR NEW.user_name <> OLD.user_name OR NEW.pool <> OLD.pool
BEGIN SELECT RAISE(ABORT, 'a ticket keeps its person, pool and login'); END;
CREATE TRIGGER ticket_stays_revoked BEFORE UPDATE ON ticket
WHEN OLD.revoked_ms <> 0 AND (NEW.revoked_ms = 0 OR NEW.used_ms <> OLD.used_ms)
BEGIN SELECT RAISE(ABORT, 'a revoked ticket stays so'); END;
