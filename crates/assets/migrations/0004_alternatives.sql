-- Relations of one kind with one name in this column, from one thing, stand in for each other: one of them is enough. Empty: none does. Kept as long as the relation.
ALTER TABLE assets_relations ADD COLUMN alternatives {text} NOT NULL DEFAULT '';
