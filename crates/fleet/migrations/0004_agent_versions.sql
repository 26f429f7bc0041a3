-- Releases of the agent's program, as they were signed; the program is a blob. Kept for ever: they say what was rolled out.
CREATE TABLE fleet_releases (
  id {id}, version {text} NOT NULL, target {text} NOT NULL, size_bytes {int} NOT NULL, sha256 {bytes} NOT NULL,
  downgrade {int} NOT NULL, public_key {bytes} NOT NULL, signature {bytes} NOT NULL UNIQUE, imported_at {int} NOT NULL,
  imported_by {text} NOT NULL, withdrawn_at {int} NOT NULL
) {strict};

-- Releases that are brought to machines, in stages. Kept for ever: they say who rolled out what, and what came of it.
CREATE TABLE fleet_rollouts (
  id {id}, release_id {int} NOT NULL, target {text} NOT NULL, state {text} NOT NULL, reason {text} NOT NULL, percents {text} NOT NULL,
  stage {int} NOT NULL, parallel {int} NOT NULL, stop_percent {int} NOT NULL, again {int} NOT NULL, agents {int} NOT NULL,
  started_at {int} NOT NULL, started_by {text} NOT NULL, changed_at {int} NOT NULL, version {int} NOT NULL
) {strict};
CREATE INDEX fleet_rollouts_state ON fleet_rollouts (state, id);

-- What came of a rollout on each machine. Kept as long as the rollout.
CREATE TABLE fleet_rollout_agents (
  id {id}, rollout_id {int} NOT NULL, agent_row {int} NOT NULL, stage {int} NOT NULL, state {text} NOT NULL, reason {text} NOT NULL,
  version_before {text} NOT NULL, offered_at {int} NOT NULL, finished_at {int} NOT NULL, UNIQUE (rollout_id, agent_row)
) {strict};
CREATE INDEX fleet_rollout_agents_stage ON fleet_rollout_agents (rollout_id, stage, state, id);
CREATE INDEX fleet_rollout_agents_state ON fleet_rollout_agents (rollout_id, state, id);
CREATE INDEX fleet_rollout_agents_agent ON fleet_rollout_agents (agent_row, id);

-- What an agent's program was built for, and whether it can be replaced, by its own word.
ALTER TABLE fleet_agents ADD COLUMN target {text} NOT NULL DEFAULT '';
ALTER TABLE fleet_agents ADD COLUMN updates {int} NOT NULL DEFAULT 0;
CREATE INDEX fleet_agents_target ON fleet_agents (target, id) WHERE state = 'active';
CREATE INDEX fleet_agents_version ON fleet_agents (agent_version, target) WHERE state = 'active';
