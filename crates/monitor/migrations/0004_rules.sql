-- Rule files as they were imported, to be given back as they came. Kept until their last group is deleted.
CREATE TABLE monitor_rule_files (
  id {id}, name {text} NOT NULL UNIQUE, body {text} NOT NULL, imported_by {text} NOT NULL, imported_at {int} NOT NULL
) {strict};
-- Groups of rules: those of a file in its order, and the house's own. Kept until deleted.
CREATE TABLE monitor_rule_groups (
  id {id}, file_id {int} REFERENCES monitor_rule_files (id), name {text} NOT NULL, position {int} NOT NULL, interval_ms {int},
  offset_ms {int}, series_limit {int}, labels {text} NOT NULL
) {strict};
CREATE INDEX monitor_rule_groups_file ON monitor_rule_groups (file_id, position);
CREATE INDEX monitor_rule_groups_name ON monitor_rule_groups (name);
-- Rules over series. Kept until deleted.
CREATE TABLE monitor_rules (
  id {id}, group_id {int} NOT NULL REFERENCES monitor_rule_groups (id), position {int} NOT NULL, kind {text} NOT NULL, name {text} NOT NULL,
  expr {text} NOT NULL, form {text} NOT NULL, for_ms {int} NOT NULL, keep_firing_ms {int} NOT NULL, labels {text} NOT NULL,
  annotations {text} NOT NULL, severity {text} NOT NULL, team_id {int}, asset_id {int}, asset_team_id {int}, place_id {int},
  owner_id {int}, paused {int} NOT NULL, version {int} NOT NULL, created_at {int} NOT NULL, updated_at {int} NOT NULL
) {strict};
CREATE INDEX monitor_rules_name ON monitor_rules (name, id);
CREATE INDEX monitor_rules_group ON monitor_rules (group_id, position);
-- Alerts of rules, one row for each set of labels, with its check: written when they turn pending, fire or end.
-- Kept until a day after they ended, or until the rule is deleted.
CREATE TABLE monitor_rule_alerts (
  id {id}, rule_id {int} NOT NULL, check_id {int} NOT NULL UNIQUE, digest {text} NOT NULL, labels {text} NOT NULL, source {text} NOT NULL,
  phase {text} NOT NULL, active_at {int} NOT NULL, fired_at {int} NOT NULL, ended_at {int} NOT NULL
) {strict};
CREATE UNIQUE INDEX monitor_rule_alerts_once ON monitor_rule_alerts (rule_id, digest);
CREATE INDEX monitor_rule_alerts_ended ON monitor_rule_alerts (phase, ended_at);
