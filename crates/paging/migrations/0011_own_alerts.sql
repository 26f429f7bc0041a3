-- Alerts of a group that are told for themselves, as JSON; kept as long as their group. An escalation says for which of them
-- it is and for which team: one policy may tell several teams of one group. Kept as long as the group.
ALTER TABLE paging_groups ADD COLUMN own {text} NOT NULL DEFAULT '[]';
ALTER TABLE paging_pages ADD COLUMN own {text} NOT NULL DEFAULT '';
ALTER TABLE paging_pages ADD COLUMN own_team {int} NOT NULL DEFAULT 0;
DROP INDEX paging_pages_once;
CREATE UNIQUE INDEX paging_pages_once ON paging_pages (group_id, policy_id, own_team);
