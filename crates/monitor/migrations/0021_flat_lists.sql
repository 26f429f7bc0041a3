-- Alerts that are out are few among many; a group's are asked for together with whether they are out.
CREATE INDEX monitor_alerts_out ON monitor_alerts (is_open, id);
DROP INDEX monitor_alerts_group;
CREATE INDEX monitor_alerts_group ON monitor_alerts (group_id, is_open);
CREATE INDEX monitor_checks_paused ON monitor_checks (id) WHERE paused = 1;
-- Nobody read it.
ALTER TABLE monitor_remotes DROP COLUMN updated_at;
