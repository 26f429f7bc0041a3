-- The tables of this domain as SQLite has them. A test writes this file from the migrations.

CREATE TABLE runbooks_bindings (
  id INTEGER PRIMARY KEY AUTOINCREMENT, check_id INTEGER NOT NULL, runbook_id INTEGER NOT NULL REFERENCES runbooks_runbooks (id), version_id INTEGER NOT NULL,
  inputs TEXT NOT NULL, mode TEXT NOT NULL, bound_by TEXT NOT NULL, bound_by_name TEXT NOT NULL, created_at INTEGER NOT NULL,
  removed_at INTEGER NOT NULL, removed_by TEXT NOT NULL
) STRICT;

CREATE INDEX runbooks_bindings_check ON runbooks_bindings (check_id, id);

CREATE INDEX runbooks_bindings_runbook ON runbooks_bindings (runbook_id, id);

CREATE TABLE runbooks_run_phases (
  id INTEGER PRIMARY KEY AUTOINCREMENT, run_id INTEGER NOT NULL REFERENCES runbooks_runs (id), step INTEGER NOT NULL, phase TEXT NOT NULL, attempt INTEGER NOT NULL,
  state TEXT NOT NULL, job TEXT NOT NULL, exit_code INTEGER, output TEXT NOT NULL, reason TEXT NOT NULL, started_at INTEGER NOT NULL,
  finished_at INTEGER NOT NULL, UNIQUE (run_id, step, phase, attempt)
) STRICT;

CREATE TABLE runbooks_runbooks (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, title TEXT NOT NULL, description TEXT NOT NULL, latest INTEGER NOT NULL, created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE runbooks_runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, runbook_id INTEGER NOT NULL, version_id INTEGER NOT NULL, title TEXT NOT NULL, state TEXT NOT NULL, mode TEXT NOT NULL,
  binding_id INTEGER NOT NULL, asset_id INTEGER NOT NULL, check_id INTEGER NOT NULL, cause TEXT NOT NULL, inputs TEXT NOT NULL,
  started_by TEXT NOT NULL, started_by_name TEXT NOT NULL, reason TEXT NOT NULL, outcome TEXT NOT NULL, engine TEXT NOT NULL,
  awaits TEXT NOT NULL, created_at INTEGER NOT NULL, started_at INTEGER NOT NULL, finished_at INTEGER NOT NULL, team_id INTEGER, place_id INTEGER,
  owner_id INTEGER
) STRICT;

CREATE INDEX runbooks_runs_asset ON runbooks_runs (asset_id, id);

CREATE INDEX runbooks_runs_binding ON runbooks_runs (binding_id, asset_id, created_at);

CREATE INDEX runbooks_runs_cause ON runbooks_runs (cause, id);

CREATE INDEX runbooks_runs_check ON runbooks_runs (check_id, id);

CREATE INDEX runbooks_runs_finished ON runbooks_runs (finished_at, id);

CREATE INDEX runbooks_runs_owner ON runbooks_runs (owner_id, id);

CREATE INDEX runbooks_runs_place ON runbooks_runs (place_id, id);

CREATE INDEX runbooks_runs_runbook ON runbooks_runs (runbook_id, id);

CREATE INDEX runbooks_runs_state ON runbooks_runs (state, id);

CREATE INDEX runbooks_runs_team ON runbooks_runs (team_id, id);

CREATE TABLE runbooks_versions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, runbook_id INTEGER NOT NULL REFERENCES runbooks_runbooks (id), number INTEGER NOT NULL, hash TEXT NOT NULL, source TEXT NOT NULL,
  canonical TEXT NOT NULL, author TEXT NOT NULL, author_name TEXT NOT NULL, created_at INTEGER NOT NULL, approved_at INTEGER NOT NULL,
  approved_by TEXT NOT NULL, approved_by_name TEXT NOT NULL, approval_note TEXT NOT NULL, UNIQUE (runbook_id, hash)
) STRICT;

CREATE INDEX runbooks_versions_number ON runbooks_versions (runbook_id, number);
