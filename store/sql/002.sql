-- What the broker asks every second must not depend on how many sessions have ended.
CREATE INDEX session_by_state ON session (state, ended_ms);
CREATE INDEX desktop_unbound ON desktop (lease) WHERE session = '';
