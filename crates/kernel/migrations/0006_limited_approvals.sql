-- The patterns of the token that a held call came with, as a JSON list; empty when it was not limited.
ALTER TABLE kernel_approvals ADD COLUMN patterns {text} NOT NULL DEFAULT '[]';
