-- Things an audit entry changed besides its first subject. Kept as long as the entry.
CREATE TABLE kernel_audit_subjects (
  kind {text} NOT NULL, ref_id {int} NOT NULL, audit_id {int} NOT NULL, PRIMARY KEY (kind, ref_id, audit_id)
--sqlite|) STRICT, WITHOUT ROWID;
--postgres|);
INSERT INTO kernel_counters (name, value) VALUES ('audit_details_from', 0);
CREATE INDEX kernel_audit_operation ON kernel_audit (operation, id);
CREATE INDEX kernel_events_at ON kernel_events (at);
-- Who needs which blob. A row goes with the thing that needs it; a file without rows is swept.
CREATE TABLE kernel_blobs (
  hash {text} NOT NULL, kind {text} NOT NULL, ref_id {int} NOT NULL, size_bytes {int} NOT NULL, at {int} NOT NULL, PRIMARY KEY (hash, kind, ref_id)
) {strict};
