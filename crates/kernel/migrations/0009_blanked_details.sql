-- The digest of a detail out of which secret words were taken later; the audit entry of that work names it too.
ALTER TABLE kernel_audit_details ADD COLUMN blanked {text} NOT NULL DEFAULT '';
-- For which declared secrets older entries were looked through, and how far.
INSERT INTO kernel_counters (name, value) VALUES ('audit_blank_rules', 0), ('audit_blank_from', 0);
