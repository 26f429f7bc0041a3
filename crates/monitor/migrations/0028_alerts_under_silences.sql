-- Alerts of groups that a silence or a window covered when they joined, so that they are told when it ends; kept as long as
-- the row. Where in its title a group is called by its alert: the bytes before it; -1 when it is called by its cause.
ALTER TABLE monitor_group_alerts ADD COLUMN covered {int} NOT NULL DEFAULT 0;
CREATE INDEX monitor_group_alerts_covered ON monitor_group_alerts (check_id, group_id) WHERE covered = 1 AND cleared_at = 0;
ALTER TABLE monitor_groups ADD COLUMN alert_at {int} NOT NULL DEFAULT -1;
