-- When somebody said last that they are on an escalation: what was taken on with the whole group is known by that, and goes back with
-- it. Kept as long as the group.
ALTER TABLE paging_pages ADD COLUMN acknowledged_at {int} NOT NULL DEFAULT 0;
