-- What the alert of a rule is taken as when causes are searched: read from the rule's expression, empty when that says nothing.
-- It goes with its check.
ALTER TABLE monitor_checks ADD COLUMN symptom {text} NOT NULL DEFAULT '';
