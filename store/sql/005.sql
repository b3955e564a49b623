-- When a person asked for a restart of their desktop; 0: nobody does. It is over when the machine leaves running.
ALTER TABLE desktop ADD COLUMN restart_ms INTEGER NOT NULL DEFAULT 0
    CHECK (restart_ms = 0 OR (power = 'running' AND lease NOT IN ('free', 'ending')));
