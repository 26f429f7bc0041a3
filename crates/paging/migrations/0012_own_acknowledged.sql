-- An escalation says for which check's alert it is and who said last that they are on it: an alert of a group can be taken on for
-- itself. Kept as long as the group.
ALTER TABLE paging_pages ADD COLUMN own_check {int} NOT NULL DEFAULT 0;
ALTER TABLE paging_pages ADD COLUMN acknowledged_by {text} NOT NULL DEFAULT '';
