-- The tables of this domain as SQLite has them. A test writes this file from the migrations.

CREATE TABLE fleet_agents (
  id INTEGER PRIMARY KEY AUTOINCREMENT, agent_id BLOB NOT NULL UNIQUE, public_key BLOB NOT NULL UNIQUE, asset_id INTEGER NOT NULL, state TEXT NOT NULL,
  reason TEXT NOT NULL, hostname TEXT NOT NULL, machine_id TEXT NOT NULL, dmi_uuid TEXT NOT NULL, serial TEXT NOT NULL,
  boot_id TEXT NOT NULL, boot_id_before TEXT NOT NULL, agent_version TEXT NOT NULL, profile TEXT NOT NULL,
  policy_digest TEXT NOT NULL, classes TEXT NOT NULL, token_id INTEGER NOT NULL, online INTEGER NOT NULL,
  enrolled_at INTEGER NOT NULL, last_seen INTEGER NOT NULL, team_id INTEGER, place_id INTEGER, owner_id INTEGER, version INTEGER NOT NULL
, macs TEXT NOT NULL DEFAULT '[]', target TEXT NOT NULL DEFAULT '', updates INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE INDEX fleet_agents_asset ON fleet_agents (asset_id, id);

CREATE INDEX fleet_agents_place ON fleet_agents (place_id, id);

CREATE INDEX fleet_agents_state ON fleet_agents (state, id);

CREATE INDEX fleet_agents_target ON fleet_agents (target, id) WHERE state = 'active';

CREATE INDEX fleet_agents_team ON fleet_agents (team_id, id);

CREATE INDEX fleet_agents_version ON fleet_agents (agent_version, target) WHERE state = 'active';

CREATE TABLE fleet_certificates (
  id INTEGER PRIMARY KEY AUTOINCREMENT, role TEXT NOT NULL, der BLOB NOT NULL, names TEXT NOT NULL, not_after INTEGER NOT NULL, created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX fleet_certificates_role ON fleet_certificates (role, id);

CREATE TABLE fleet_jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, job_id BLOB NOT NULL UNIQUE, asset_id INTEGER NOT NULL, agent_row INTEGER NOT NULL, class TEXT NOT NULL, action TEXT NOT NULL,
  plan TEXT NOT NULL, plan_hash TEXT NOT NULL, approval TEXT NOT NULL, state TEXT NOT NULL, not_before INTEGER NOT NULL,
  not_after INTEGER NOT NULL, deadline INTEGER NOT NULL, timeout_s INTEGER NOT NULL, cause TEXT NOT NULL, run TEXT NOT NULL,
  stop_epoch INTEGER NOT NULL, reason TEXT NOT NULL, exit_code INTEGER, output TEXT NOT NULL, output_dropped INTEGER NOT NULL,
  queued_by TEXT NOT NULL, queued_at INTEGER NOT NULL, sent_at INTEGER NOT NULL, accepted_at INTEGER NOT NULL, started_at INTEGER NOT NULL,
  finished_at INTEGER NOT NULL, guessed INTEGER NOT NULL
) STRICT;

CREATE INDEX fleet_jobs_agent ON fleet_jobs (agent_row, id);

CREATE INDEX fleet_jobs_asset ON fleet_jobs (asset_id, id);

CREATE INDEX fleet_jobs_deadline ON fleet_jobs (deadline, id) WHERE state IN ('queued', 'sent', 'accepted');

CREATE INDEX fleet_jobs_finished ON fleet_jobs (finished_at, id);

CREATE INDEX fleet_jobs_open ON fleet_jobs (agent_row, id) WHERE state IN ('queued', 'sent', 'accepted');

CREATE INDEX fleet_jobs_state ON fleet_jobs (state, id);

CREATE TABLE fleet_releases (
  id INTEGER PRIMARY KEY AUTOINCREMENT, version TEXT NOT NULL, target TEXT NOT NULL, size_bytes INTEGER NOT NULL, sha256 BLOB NOT NULL,
  downgrade INTEGER NOT NULL, public_key BLOB NOT NULL, signature BLOB NOT NULL UNIQUE, imported_at INTEGER NOT NULL,
  imported_by TEXT NOT NULL, withdrawn_at INTEGER NOT NULL
) STRICT;

CREATE TABLE fleet_rollout_agents (
  id INTEGER PRIMARY KEY AUTOINCREMENT, rollout_id INTEGER NOT NULL, agent_row INTEGER NOT NULL, stage INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
  version_before TEXT NOT NULL, offered_at INTEGER NOT NULL, finished_at INTEGER NOT NULL, ready_at INTEGER NOT NULL DEFAULT 0, UNIQUE (rollout_id, agent_row)
) STRICT;

CREATE INDEX fleet_rollout_agents_agent ON fleet_rollout_agents (agent_row, id);

CREATE INDEX fleet_rollout_agents_stage ON fleet_rollout_agents (rollout_id, stage, state, id);

CREATE INDEX fleet_rollout_agents_state ON fleet_rollout_agents (rollout_id, state, id);

CREATE TABLE fleet_rollouts (
  id INTEGER PRIMARY KEY AUTOINCREMENT, release_id INTEGER NOT NULL, target TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, percents TEXT NOT NULL,
  stage INTEGER NOT NULL, parallel INTEGER NOT NULL, stop_percent INTEGER NOT NULL, again INTEGER NOT NULL, agents INTEGER NOT NULL,
  started_at INTEGER NOT NULL, started_by TEXT NOT NULL, changed_at INTEGER NOT NULL, version INTEGER NOT NULL
) STRICT;

CREATE INDEX fleet_rollouts_state ON fleet_rollouts (state, id);

CREATE TABLE fleet_stops (
  epoch INTEGER PRIMARY KEY, ordered_at INTEGER NOT NULL, ordered_by TEXT NOT NULL, reason TEXT NOT NULL,
  released_at INTEGER NOT NULL, released_by TEXT NOT NULL
) STRICT;

CREATE TABLE fleet_tokens (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, hash BLOB NOT NULL UNIQUE, uses_max INTEGER NOT NULL, uses INTEGER NOT NULL, expires_at INTEGER NOT NULL,
  auto_approve INTEGER NOT NULL, asset_kind TEXT NOT NULL, place_id INTEGER, team_id INTEGER, asset_id INTEGER,
  created_at INTEGER NOT NULL, created_by TEXT NOT NULL, revoked_at INTEGER NOT NULL, revoked_by TEXT NOT NULL
) STRICT;
