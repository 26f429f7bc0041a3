-- Maintenance windows. When they are is computed from the first beginning, the length and the rule; nothing of it is
-- written down. `active_at` is when the occurrence began that people were told of, 0 while none is. Kept until two years after
-- they are over.
CREATE TABLE monitor_windows (
  id {id}, name {text} NOT NULL, asset_id {int}, spread {text} NOT NULL, check_id {int}, team_id {int}, place_id {int}, labels {text} NOT NULL,
  first_start {text} NOT NULL, time_zone {text} NOT NULL, duration_s {int} NOT NULL, rrule {text} NOT NULL, until_ticket {int},
  over_at {int} NOT NULL, active_at {int} NOT NULL, owning_place_id {int}, owning_team_id {int}, owner_id {int}, created_by {text} NOT NULL,
  created_name {text} NOT NULL, created_at {int} NOT NULL, ended_by {text} NOT NULL, version {int} NOT NULL
) {strict};
CREATE INDEX monitor_windows_over ON monitor_windows (over_at, id);
CREATE INDEX monitor_windows_ticket ON monitor_windows (until_ticket);
-- What may be the cause of a group, with what speaks for and against it, as it was judged last.
ALTER TABLE monitor_groups ADD COLUMN cause {text} NOT NULL DEFAULT '{}';
CREATE INDEX monitor_group_alerts_check ON monitor_group_alerts (check_id, group_id);
