-- Silences by labels: matchers of labels as text, empty when any labels will do.
ALTER TABLE monitor_silences ADD COLUMN matchers {text} NOT NULL DEFAULT '';
