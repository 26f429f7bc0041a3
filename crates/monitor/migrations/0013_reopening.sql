-- When a group that was over was back last, 0 when it never was, and how often it was.
ALTER TABLE monitor_groups ADD COLUMN reopened_at {int} NOT NULL DEFAULT 0;
ALTER TABLE monitor_groups ADD COLUMN reopened {int} NOT NULL DEFAULT 0;
