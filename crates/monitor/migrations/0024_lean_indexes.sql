-- An outage changes the state of thousands of alerts within a minute, and each change is written to every index that has
-- one of its columns: they have as few as what is asked needs. What is asked about alerts that are out, and of a group, is
-- kept for those alone; the history of a thing is that of what fired and cleared. Retention is as before.
DROP INDEX monitor_alerts_asset;
CREATE INDEX monitor_alerts_asset ON monitor_alerts (asset_id, id);
DROP INDEX monitor_alerts_group;
CREATE INDEX monitor_alerts_group ON monitor_alerts (group_id, is_open) WHERE is_open = 1 AND group_id IS NOT NULL;
DROP INDEX monitor_alerts_out;
CREATE INDEX monitor_alerts_out ON monitor_alerts (id) WHERE is_open = 1;
DROP INDEX monitor_alerts_state;
CREATE INDEX monitor_alerts_state ON monitor_alerts (state);
DROP INDEX monitor_transitions_asset;
CREATE INDEX monitor_transitions_asset ON monitor_transitions (asset_id, at) WHERE fired = 1 OR cleared = 1;
