-- Certificates for the agent link; private keys are sealed secrets. Kept for ever: an old authority explains old agents.
CREATE TABLE fleet_certificates (
  id {id}, role {text} NOT NULL, der {bytes} NOT NULL, names {text} NOT NULL, not_after {int} NOT NULL, created_at {int} NOT NULL
) {strict};
CREATE INDEX fleet_certificates_role ON fleet_certificates (role, id);

-- Enrolment tokens, only as hashes. Kept for ever: they say how an agent came in.
CREATE TABLE fleet_tokens (
  id {id}, name {text} NOT NULL, hash {bytes} NOT NULL UNIQUE, uses_max {int} NOT NULL, uses {int} NOT NULL, expires_at {int} NOT NULL,
  auto_approve {int} NOT NULL, asset_kind {text} NOT NULL, place_id {int}, team_id {int}, asset_id {int},
  created_at {int} NOT NULL, created_by {text} NOT NULL, revoked_at {int} NOT NULL, revoked_by {text} NOT NULL
) {strict};

-- Agents. Kept for ever: the key of a job's executor must stay known.
CREATE TABLE fleet_agents (
  id {id}, agent_id {bytes} NOT NULL UNIQUE, public_key {bytes} NOT NULL UNIQUE, asset_id {int} NOT NULL, state {text} NOT NULL,
  reason {text} NOT NULL, hostname {text} NOT NULL, machine_id {text} NOT NULL, dmi_uuid {text} NOT NULL, serial {text} NOT NULL,
  boot_id {text} NOT NULL, boot_id_before {text} NOT NULL, agent_version {text} NOT NULL, profile {text} NOT NULL,
  policy_digest {text} NOT NULL, classes {text} NOT NULL, token_id {int} NOT NULL, online {int} NOT NULL,
  enrolled_at {int} NOT NULL, last_seen {int} NOT NULL, team_id {int}, place_id {int}, owner_id {int}, version {int} NOT NULL
) {strict};
CREATE INDEX fleet_agents_asset ON fleet_agents (asset_id, id);
CREATE INDEX fleet_agents_state ON fleet_agents (state, id);
CREATE INDEX fleet_agents_team ON fleet_agents (team_id, id);
CREATE INDEX fleet_agents_place ON fleet_agents (place_id, id);

-- Jobs for agents with their results. Finished ones are kept for 180 days.
CREATE TABLE fleet_jobs (
  id {id}, job_id {bytes} NOT NULL UNIQUE, asset_id {int} NOT NULL, agent_row {int} NOT NULL, class {text} NOT NULL, action {text} NOT NULL,
  plan {text} NOT NULL, plan_hash {text} NOT NULL, approval {text} NOT NULL, state {text} NOT NULL, not_before {int} NOT NULL,
  not_after {int} NOT NULL, deadline {int} NOT NULL, timeout_s {int} NOT NULL, cause {text} NOT NULL, run {text} NOT NULL,
  stop_epoch {int} NOT NULL, reason {text} NOT NULL, exit_code {int}, output {text} NOT NULL, output_dropped {int} NOT NULL,
  queued_by {text} NOT NULL, queued_at {int} NOT NULL, sent_at {int} NOT NULL, accepted_at {int} NOT NULL, started_at {int} NOT NULL,
  finished_at {int} NOT NULL, guessed {int} NOT NULL
) {strict};
CREATE INDEX fleet_jobs_open ON fleet_jobs (agent_row, id) WHERE state IN ('queued', 'sent', 'accepted');
CREATE INDEX fleet_jobs_deadline ON fleet_jobs (deadline, id) WHERE state IN ('queued', 'sent', 'accepted');
CREATE INDEX fleet_jobs_asset ON fleet_jobs (asset_id, id);
CREATE INDEX fleet_jobs_finished ON fleet_jobs (finished_at, id);

-- Orders to stop all runs, one row each. Kept for ever: agents remember the highest epoch.
CREATE TABLE fleet_stops (
  epoch {int} PRIMARY KEY, ordered_at {int} NOT NULL, ordered_by {text} NOT NULL, reason {text} NOT NULL,
  released_at {int} NOT NULL, released_by {text} NOT NULL
) {strict};
