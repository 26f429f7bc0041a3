-- The tables of this domain as SQLite has them. A test writes this file from the migrations.

CREATE TABLE monitor_alerts (
  id INTEGER PRIMARY KEY AUTOINCREMENT, check_id INTEGER NOT NULL UNIQUE REFERENCES monitor_checks (id), state TEXT NOT NULL,
  is_open INTEGER NOT NULL, since INTEGER NOT NULL, fired_at INTEGER NOT NULL, group_id INTEGER, evidence TEXT NOT NULL, machine TEXT NOT NULL
, asset_id INTEGER) STRICT;

CREATE INDEX monitor_alerts_asset ON monitor_alerts (asset_id, id);

CREATE INDEX monitor_alerts_group ON monitor_alerts (group_id, is_open) WHERE is_open = 1 AND group_id IS NOT NULL;

CREATE INDEX monitor_alerts_out ON monitor_alerts (id) WHERE is_open = 1;

CREATE INDEX monitor_alerts_state ON monitor_alerts (state);

CREATE TABLE monitor_checks (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, kind TEXT NOT NULL, probe TEXT NOT NULL,
  interval_s INTEGER NOT NULL, fire_n INTEGER NOT NULL, fire_m INTEGER NOT NULL, clear_k INTEGER NOT NULL, severity TEXT NOT NULL,
  team_id INTEGER, asset_team_id INTEGER, place_id INTEGER, owner_id INTEGER, paused INTEGER NOT NULL, version INTEGER NOT NULL,
  generation INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
, asset_id INTEGER, vantage_id INTEGER, labels TEXT NOT NULL DEFAULT '{}', for_ms INTEGER NOT NULL DEFAULT 0, keep_firing_ms INTEGER NOT NULL DEFAULT 0, symptom TEXT NOT NULL DEFAULT '') STRICT;

CREATE INDEX monitor_checks_asset ON monitor_checks (asset_id, name);

CREATE INDEX monitor_checks_name ON monitor_checks (name, id);

CREATE INDEX monitor_checks_paused ON monitor_checks (id) WHERE paused = 1;

CREATE INDEX monitor_checks_vantage ON monitor_checks (vantage_id, id);

CREATE TABLE monitor_gaps (
  id INTEGER PRIMARY KEY AUTOINCREMENT, asset_id INTEGER NOT NULL, lane TEXT NOT NULL, from_at INTEGER NOT NULL, to_at INTEGER NOT NULL, dropped INTEGER NOT NULL,
  why TEXT NOT NULL, reported_at INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX monitor_gaps_once ON monitor_gaps (asset_id, lane, from_at, to_at);

CREATE INDEX monitor_gaps_reported ON monitor_gaps (reported_at);

CREATE TABLE monitor_group_alerts (
  group_id INTEGER NOT NULL, check_id INTEGER NOT NULL, check_name TEXT NOT NULL, joined_at INTEGER NOT NULL,
  cleared_at INTEGER NOT NULL, asset_id INTEGER, covered INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (group_id, check_id)
) STRICT;

CREATE INDEX monitor_group_alerts_check ON monitor_group_alerts (check_id, group_id);

CREATE INDEX monitor_group_alerts_covered ON monitor_group_alerts (check_id, group_id) WHERE covered = 1 AND cleared_at = 0;

CREATE TABLE monitor_groups (
  id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, state TEXT NOT NULL, check_id INTEGER NOT NULL, severity TEXT NOT NULL,
  team_id INTEGER, place_id INTEGER, owner_id INTEGER, opened_at INTEGER NOT NULL, ended_at INTEGER NOT NULL, acknowledged_by TEXT NOT NULL,
  acknowledged_at INTEGER NOT NULL, silenced INTEGER NOT NULL, announced INTEGER NOT NULL, proven INTEGER NOT NULL, merged_into INTEGER,
  evidence TEXT NOT NULL, changed_before TEXT NOT NULL, recovery TEXT NOT NULL, version INTEGER NOT NULL
, asset_id INTEGER, labels TEXT NOT NULL DEFAULT '{}', cause TEXT NOT NULL DEFAULT '{}', reopened_at INTEGER NOT NULL DEFAULT 0, reopened INTEGER NOT NULL DEFAULT 0, alert_at INTEGER NOT NULL DEFAULT -1) STRICT;

CREATE INDEX monitor_groups_asset ON monitor_groups (asset_id, id);

CREATE INDEX monitor_groups_ended ON monitor_groups (ended_at);

CREATE INDEX monitor_groups_state ON monitor_groups (state, id);

CREATE TABLE monitor_heartbeats (
  check_id INTEGER PRIMARY KEY, secret_hash TEXT NOT NULL, made_at INTEGER NOT NULL, started_at INTEGER NOT NULL, ended_at INTEGER NOT NULL,
  exit_code INTEGER NOT NULL, took_us INTEGER, note TEXT NOT NULL
, open_since INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE UNIQUE INDEX monitor_heartbeats_hash ON monitor_heartbeats (secret_hash);

CREATE TABLE monitor_listening (from_at INTEGER PRIMARY KEY, to_at INTEGER NOT NULL) STRICT;

CREATE TABLE monitor_proposals (
  id INTEGER PRIMARY KEY AUTOINCREMENT, asset_id INTEGER NOT NULL, target TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, why TEXT NOT NULL,
  fields TEXT NOT NULL, state TEXT NOT NULL, check_id INTEGER, team_id INTEGER, place_id INTEGER, owner_id INTEGER,
  created_at INTEGER NOT NULL, decided_by TEXT NOT NULL, version INTEGER NOT NULL
) STRICT;

CREATE INDEX monitor_proposals_state ON monitor_proposals (state, id);

CREATE UNIQUE INDEX monitor_proposals_target ON monitor_proposals (asset_id, target);

CREATE TABLE monitor_remotes (
  name TEXT PRIMARY KEY, position_ms INTEGER NOT NULL, sent INTEGER NOT NULL, dropped INTEGER NOT NULL, skipped_ms INTEGER NOT NULL,
  error TEXT NOT NULL, failing_since INTEGER NOT NULL) STRICT;

CREATE TABLE monitor_rule_alerts (
  id INTEGER PRIMARY KEY AUTOINCREMENT, rule_id INTEGER NOT NULL, check_id INTEGER NOT NULL UNIQUE, digest TEXT NOT NULL, labels TEXT NOT NULL, source TEXT NOT NULL,
  phase TEXT NOT NULL, active_at INTEGER NOT NULL, fired_at INTEGER NOT NULL, ended_at INTEGER NOT NULL
, keeping_at INTEGER NOT NULL DEFAULT 0, value REAL) STRICT;

CREATE INDEX monitor_rule_alerts_ended ON monitor_rule_alerts (phase, ended_at);

CREATE UNIQUE INDEX monitor_rule_alerts_once ON monitor_rule_alerts (rule_id, digest);

CREATE TABLE monitor_rule_files (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, body TEXT NOT NULL, imported_by TEXT NOT NULL, imported_at INTEGER NOT NULL
) STRICT;

CREATE TABLE monitor_rule_groups (
  id INTEGER PRIMARY KEY AUTOINCREMENT, file_id INTEGER REFERENCES monitor_rule_files (id), name TEXT NOT NULL, position INTEGER NOT NULL, interval_ms INTEGER,
  offset_ms INTEGER, series_limit INTEGER, labels TEXT NOT NULL
) STRICT;

CREATE INDEX monitor_rule_groups_file ON monitor_rule_groups (file_id, position);

CREATE INDEX monitor_rule_groups_name ON monitor_rule_groups (name);

CREATE TABLE monitor_rules (
  id INTEGER PRIMARY KEY AUTOINCREMENT, group_id INTEGER NOT NULL REFERENCES monitor_rule_groups (id), position INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
  expr TEXT NOT NULL, form TEXT NOT NULL, for_ms INTEGER NOT NULL, keep_firing_ms INTEGER NOT NULL, labels TEXT NOT NULL,
  annotations TEXT NOT NULL, severity TEXT NOT NULL, team_id INTEGER, asset_id INTEGER, asset_team_id INTEGER, place_id INTEGER,
  owner_id INTEGER, paused INTEGER NOT NULL, version INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX monitor_rules_group ON monitor_rules (group_id, position);

CREATE INDEX monitor_rules_name ON monitor_rules (name, id);

CREATE TABLE monitor_scrapes (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, spec TEXT NOT NULL, paused INTEGER NOT NULL, version INTEGER NOT NULL, created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
, imported TEXT NOT NULL DEFAULT '') STRICT;

CREATE TABLE monitor_silences (
  id INTEGER PRIMARY KEY AUTOINCREMENT, asset_id INTEGER, check_id INTEGER, team_id INTEGER, from_at INTEGER NOT NULL, until_at INTEGER NOT NULL, reason TEXT NOT NULL,
  place_id INTEGER, owning_team_id INTEGER, owner_id INTEGER, created_by TEXT NOT NULL, created_name TEXT NOT NULL, created_at INTEGER NOT NULL,
  ended_by TEXT NOT NULL, version INTEGER NOT NULL
, matchers TEXT NOT NULL DEFAULT '') STRICT;

CREATE INDEX monitor_silences_until ON monitor_silences (until_at, id);

CREATE TABLE monitor_transitions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, check_id INTEGER NOT NULL, at INTEGER NOT NULL, from_state TEXT NOT NULL, to_state TEXT NOT NULL,
  fired INTEGER NOT NULL, cleared INTEGER NOT NULL, evidence TEXT NOT NULL
, asset_id INTEGER) STRICT;

CREATE INDEX monitor_transitions_asset ON monitor_transitions (asset_id, at) WHERE fired = 1 OR cleared = 1;

CREATE INDEX monitor_transitions_at ON monitor_transitions (at);

CREATE INDEX monitor_transitions_check ON monitor_transitions (check_id, id);

CREATE TABLE monitor_windows (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, asset_id INTEGER, spread TEXT NOT NULL, check_id INTEGER, team_id INTEGER, place_id INTEGER, labels TEXT NOT NULL,
  first_start TEXT NOT NULL, time_zone TEXT NOT NULL, duration_s INTEGER NOT NULL, rrule TEXT NOT NULL, until_ticket INTEGER,
  over_at INTEGER NOT NULL, active_at INTEGER NOT NULL, owning_place_id INTEGER, owning_team_id INTEGER, owner_id INTEGER, created_by TEXT NOT NULL,
  created_name TEXT NOT NULL, created_at INTEGER NOT NULL, ended_by TEXT NOT NULL, version INTEGER NOT NULL
) STRICT;

CREATE INDEX monitor_windows_over ON monitor_windows (over_at, id);

CREATE INDEX monitor_windows_ticket ON monitor_windows (until_ticket);
