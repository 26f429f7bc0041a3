-- Runbooks by name. Kept for ever.
CREATE TABLE runbooks_runbooks (
  id {id}, name {text} NOT NULL UNIQUE, title {text} NOT NULL, description {text} NOT NULL, latest {int} NOT NULL, created_at {int} NOT NULL,
  updated_at {int} NOT NULL
) {strict};
-- Versions of runbooks. A row never changes but for its approval. Kept for ever: runs and bindings name them.
CREATE TABLE runbooks_versions (
  id {id}, runbook_id {int} NOT NULL REFERENCES runbooks_runbooks (id), number {int} NOT NULL, hash {text} NOT NULL, source {text} NOT NULL,
  canonical {text} NOT NULL, author {text} NOT NULL, author_name {text} NOT NULL, created_at {int} NOT NULL, approved_at {int} NOT NULL,
  approved_by {text} NOT NULL, approved_by_name {text} NOT NULL, approval_note {text} NOT NULL, UNIQUE (runbook_id, hash)
) {strict};
CREATE INDEX runbooks_versions_number ON runbooks_versions (runbook_id, number);
-- Which runbook answers which check. Kept for ever; a removed one has its time of removal.
CREATE TABLE runbooks_bindings (
  id {id}, check_id {int} NOT NULL, runbook_id {int} NOT NULL REFERENCES runbooks_runbooks (id), version_id {int} NOT NULL,
  inputs {text} NOT NULL, mode {text} NOT NULL, bound_by {text} NOT NULL, bound_by_name {text} NOT NULL, created_at {int} NOT NULL,
  removed_at {int} NOT NULL, removed_by {text} NOT NULL
) {strict};
CREATE INDEX runbooks_bindings_check ON runbooks_bindings (check_id, id);
CREATE INDEX runbooks_bindings_runbook ON runbooks_bindings (runbook_id, id);
-- Runs. Kept for two years.
CREATE TABLE runbooks_runs (
  id {id}, runbook_id {int} NOT NULL, version_id {int} NOT NULL, title {text} NOT NULL, state {text} NOT NULL, mode {text} NOT NULL,
  binding_id {int} NOT NULL, asset_id {int} NOT NULL, check_id {int} NOT NULL, cause {text} NOT NULL, inputs {text} NOT NULL,
  started_by {text} NOT NULL, started_by_name {text} NOT NULL, reason {text} NOT NULL, outcome {text} NOT NULL, engine {text} NOT NULL,
  awaits {text} NOT NULL, created_at {int} NOT NULL, started_at {int} NOT NULL, finished_at {int} NOT NULL, team_id {int}, place_id {int},
  owner_id {int}
) {strict};
CREATE INDEX runbooks_runs_active ON runbooks_runs (state, id) WHERE state IN ('proposed', 'approval', 'running');
CREATE INDEX runbooks_runs_asset ON runbooks_runs (asset_id, id);
CREATE INDEX runbooks_runs_cause ON runbooks_runs (cause, id);
CREATE INDEX runbooks_runs_binding ON runbooks_runs (binding_id, asset_id, created_at);
CREATE INDEX runbooks_runs_runbook ON runbooks_runs (runbook_id, id);
CREATE INDEX runbooks_runs_team ON runbooks_runs (team_id, id);
CREATE INDEX runbooks_runs_finished ON runbooks_runs (finished_at, id);
-- What each step of a run did, phase by phase: the evidence. Kept as long as the run.
CREATE TABLE runbooks_run_phases (
  id {id}, run_id {int} NOT NULL REFERENCES runbooks_runs (id), step {int} NOT NULL, phase {text} NOT NULL, attempt {int} NOT NULL,
  state {text} NOT NULL, job {text} NOT NULL, exit_code {int}, output {text} NOT NULL, reason {text} NOT NULL, started_at {int} NOT NULL,
  finished_at {int} NOT NULL, UNIQUE (run_id, step, phase, attempt)
) {strict};
