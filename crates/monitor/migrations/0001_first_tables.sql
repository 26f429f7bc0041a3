-- Checks, with what decides who sees them copied from the asset. Kept until deleted.
CREATE TABLE monitor_checks (
  id {id}, name {text} NOT NULL, asset_id {int} NOT NULL, vantage_id {int} NOT NULL, kind {text} NOT NULL, probe {text} NOT NULL,
  interval_s {int} NOT NULL, fire_n {int} NOT NULL, fire_m {int} NOT NULL, clear_k {int} NOT NULL, severity {text} NOT NULL,
  team_id {int}, asset_team_id {int}, place_id {int}, owner_id {int}, paused {int} NOT NULL, version {int} NOT NULL,
  generation {int} NOT NULL, created_at {int} NOT NULL, updated_at {int} NOT NULL
) {strict};
CREATE INDEX monitor_checks_name ON monitor_checks (name, id);
CREATE INDEX monitor_checks_asset ON monitor_checks (asset_id, name);
CREATE INDEX monitor_checks_vantage ON monitor_checks (vantage_id, id);
-- How each check stands, one row a check, written on transitions only. Kept as long as the check.
CREATE TABLE monitor_alerts (
  id {id}, check_id {int} NOT NULL UNIQUE REFERENCES monitor_checks (id), asset_id {int} NOT NULL, state {text} NOT NULL,
  is_open {int} NOT NULL, since {int} NOT NULL, fired_at {int} NOT NULL, group_id {int}, evidence {text} NOT NULL, machine {text} NOT NULL
) {strict};
CREATE INDEX monitor_alerts_asset ON monitor_alerts (asset_id, is_open);
CREATE INDEX monitor_alerts_group ON monitor_alerts (group_id);
CREATE INDEX monitor_alerts_state ON monitor_alerts (state, since);
-- Every change of state. Kept for 90 days.
CREATE TABLE monitor_transitions (
  id {id}, check_id {int} NOT NULL, asset_id {int} NOT NULL, at {int} NOT NULL, from_state {text} NOT NULL, to_state {text} NOT NULL,
  fired {int} NOT NULL, cleared {int} NOT NULL, evidence {text} NOT NULL
) {strict};
CREATE INDEX monitor_transitions_check ON monitor_transitions (check_id, id);
CREATE INDEX monitor_transitions_asset ON monitor_transitions (asset_id, at);
CREATE INDEX monitor_transitions_at ON monitor_transitions (at);
-- Alert groups, one per cause. Kept for two years after they end.
CREATE TABLE monitor_groups (
  id {id}, title {text} NOT NULL, state {text} NOT NULL, check_id {int} NOT NULL, asset_id {int} NOT NULL, severity {text} NOT NULL,
  team_id {int}, place_id {int}, owner_id {int}, opened_at {int} NOT NULL, ended_at {int} NOT NULL, acknowledged_by {text} NOT NULL,
  acknowledged_at {int} NOT NULL, silenced {int} NOT NULL, announced {int} NOT NULL, proven {int} NOT NULL, merged_into {int},
  evidence {text} NOT NULL, changed_before {text} NOT NULL, recovery {text} NOT NULL, version {int} NOT NULL
) {strict};
CREATE INDEX monitor_groups_state ON monitor_groups (state, id);
CREATE INDEX monitor_groups_asset ON monitor_groups (asset_id, id);
CREATE INDEX monitor_groups_ended ON monitor_groups (ended_at);
-- Which alerts ever belonged to a group. Kept as long as the group.
CREATE TABLE monitor_group_alerts (
  group_id {int} NOT NULL, check_id {int} NOT NULL, asset_id {int} NOT NULL, check_name {text} NOT NULL, joined_at {int} NOT NULL,
  cleared_at {int} NOT NULL, PRIMARY KEY (group_id, check_id)
) {strict};
-- Silences. Kept for two years after they end.
CREATE TABLE monitor_silences (
  id {id}, asset_id {int}, check_id {int}, team_id {int}, from_at {int} NOT NULL, until_at {int} NOT NULL, reason {text} NOT NULL,
  place_id {int}, owning_team_id {int}, owner_id {int}, created_by {text} NOT NULL, created_name {text} NOT NULL, created_at {int} NOT NULL,
  ended_by {text} NOT NULL, version {int} NOT NULL
) {strict};
CREATE INDEX monitor_silences_until ON monitor_silences (until_at, id);
-- What agents said they lost. Kept for 90 days.
CREATE TABLE monitor_gaps (
  id {id}, asset_id {int} NOT NULL, lane {text} NOT NULL, from_at {int} NOT NULL, to_at {int} NOT NULL, dropped {int} NOT NULL,
  why {text} NOT NULL, reported_at {int} NOT NULL
) {strict};
CREATE UNIQUE INDEX monitor_gaps_once ON monitor_gaps (asset_id, lane, from_at, to_at);
CREATE INDEX monitor_gaps_reported ON monitor_gaps (reported_at);
