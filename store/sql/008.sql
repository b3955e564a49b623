-- Only indexes: a page of a list reads as many rows as it shows, however many there are. What a list can be narrowed by
-- stands in the index that it goes along, so that a row which is not shown is not read.
DROP INDEX desktop_by_age;
CREATE INDEX desktop_by_age ON desktop (created_ms, id, user_name, domain, host, lease, power);
CREATE INDEX desktop_of_pool ON desktop (pool, created_ms, id, template, template_version);
CREATE INDEX desktop_of_person ON desktop (user_name, created_ms, id);
-- All that counting a pool's desktops asks for.
DROP INDEX desktop_by_pool;
CREATE INDEX desktop_by_pool ON desktop (pool, lease, power, is_ready, is_maintenance, want);

CREATE INDEX session_live ON session (started_ms, id, user_name, pool, state, client_name, client)
    WHERE state <> 'ended';
CREATE INDEX session_of_person ON session (user_name, started_ms, id);
CREATE INDEX session_in_line ON session (pool, queue_ms, id) WHERE state = 'waiting' AND desktop = '';
