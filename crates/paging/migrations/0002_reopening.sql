-- When an alert group that people were told of was back last, and the last message of before that: who was told since.
ALTER TABLE paging_groups ADD COLUMN again_at {int} NOT NULL DEFAULT 0;
ALTER TABLE paging_groups ADD COLUMN again_from {int} NOT NULL DEFAULT 0;
-- The round with which the steps began last.
ALTER TABLE paging_pages ADD COLUMN first_round {int} NOT NULL DEFAULT 1;
