CREATE INDEX kernel_audit_subjects_entry ON kernel_audit_subjects (audit_id);
CREATE INDEX kernel_audit_seals_at ON kernel_audit_seals (sealed_at, id);
