-- Since when an alert of a rule is only kept firing, so that a restart does not begin that anew; zero for the others.
ALTER TABLE monitor_rule_alerts ADD COLUMN keeping_at {int} NOT NULL DEFAULT 0;
