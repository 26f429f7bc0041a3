-- What the series of a rule's alert said when it last changed, so that a restart does not forget it; null when that was no number.
ALTER TABLE monitor_rule_alerts ADD COLUMN value {real};
