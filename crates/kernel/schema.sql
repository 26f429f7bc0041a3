-- The tables of this domain as SQLite has them. A test writes this file from the migrations.

CREATE TABLE kernel_approvals (
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, ref_id INTEGER NOT NULL, title TEXT NOT NULL, detail TEXT NOT NULL, plan_hash TEXT NOT NULL,
  requires TEXT NOT NULL, team_id INTEGER, requested_by TEXT NOT NULL, requested_name TEXT NOT NULL, requested_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL, state TEXT NOT NULL, decided_by TEXT NOT NULL, decided_name TEXT NOT NULL, decided_at INTEGER NOT NULL,
  comment TEXT NOT NULL, operation TEXT NOT NULL, input TEXT NOT NULL, outcome TEXT NOT NULL
, patterns TEXT NOT NULL DEFAULT '[]') STRICT;

CREATE INDEX kernel_approvals_pending ON kernel_approvals (expires_at) WHERE state = 'pending';

CREATE INDEX kernel_approvals_state ON kernel_approvals (state, id);

CREATE INDEX kernel_approvals_subject ON kernel_approvals (kind, ref_id, id);

CREATE TABLE kernel_attention (
  kind TEXT NOT NULL, ref_id INTEGER NOT NULL, need TEXT NOT NULL, title TEXT NOT NULL, why TEXT NOT NULL, mark TEXT NOT NULL,
  word TEXT NOT NULL, weight INTEGER NOT NULL, since INTEGER NOT NULL, action TEXT NOT NULL, href TEXT NOT NULL, team_id INTEGER, user_id INTEGER,
  "grant" TEXT NOT NULL, PRIMARY KEY (kind, ref_id, need)
) STRICT;

CREATE INDEX kernel_attention_seen ON kernel_attention ("grant", team_id, user_id);

CREATE TABLE kernel_audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, actor TEXT NOT NULL, operation TEXT NOT NULL, via TEXT NOT NULL, outcome TEXT NOT NULL,
  subject_kind TEXT NOT NULL, subject_id INTEGER NOT NULL, digest TEXT NOT NULL
) STRICT;

CREATE INDEX kernel_audit_actor ON kernel_audit (actor, id);

CREATE INDEX kernel_audit_operation ON kernel_audit (operation, id);

CREATE INDEX kernel_audit_subject ON kernel_audit (subject_kind, subject_id, id);

CREATE TABLE kernel_audit_details (audit_id INTEGER PRIMARY KEY, detail TEXT NOT NULL, blanked TEXT NOT NULL DEFAULT '') STRICT;

CREATE TABLE kernel_audit_seals (
  id INTEGER PRIMARY KEY AUTOINCREMENT, first_id INTEGER NOT NULL, last_id INTEGER NOT NULL, entries INTEGER NOT NULL, sealed_at INTEGER NOT NULL, digest TEXT NOT NULL, previous TEXT NOT NULL
) STRICT;

CREATE INDEX kernel_audit_seals_at ON kernel_audit_seals (sealed_at, id);

CREATE TABLE kernel_audit_subjects (
  kind TEXT NOT NULL, ref_id INTEGER NOT NULL, audit_id INTEGER NOT NULL, PRIMARY KEY (kind, ref_id, audit_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX kernel_audit_subjects_entry ON kernel_audit_subjects (audit_id);

CREATE TABLE kernel_blobs (
  hash TEXT NOT NULL, kind TEXT NOT NULL, ref_id INTEGER NOT NULL, size_bytes INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (hash, kind, ref_id)
) STRICT;

CREATE TABLE kernel_counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;

CREATE TABLE kernel_dead_letters (
  id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, name TEXT NOT NULL, event_id INTEGER, job_id INTEGER, payload TEXT NOT NULL, error TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;

CREATE TABLE kernel_deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT, notification_id INTEGER NOT NULL, at INTEGER NOT NULL, attempt INTEGER NOT NULL, ok INTEGER NOT NULL, answer TEXT NOT NULL
) STRICT;

CREATE INDEX kernel_deliveries_notification ON kernel_deliveries (notification_id, id);

CREATE TABLE kernel_event_subjects (
  kind TEXT NOT NULL, ref_id INTEGER NOT NULL, event_id INTEGER NOT NULL, PRIMARY KEY (kind, ref_id, event_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE kernel_events (
  id INTEGER PRIMARY KEY AUTOINCREMENT, position INTEGER NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL, actor TEXT NOT NULL, actor_name TEXT NOT NULL,
  title TEXT NOT NULL, mark TEXT NOT NULL, subjects TEXT NOT NULL, payload TEXT NOT NULL
) STRICT;

CREATE INDEX kernel_events_at ON kernel_events (at);

CREATE INDEX kernel_events_position ON kernel_events (position);

CREATE TABLE kernel_idempotency (
  actor TEXT NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL, output TEXT NOT NULL, expires_at INTEGER NOT NULL, PRIMARY KEY (actor, key)
) STRICT;

CREATE TABLE kernel_jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, payload TEXT NOT NULL, run_at INTEGER NOT NULL, attempts INTEGER NOT NULL, lease_until INTEGER NOT NULL,
  unique_key TEXT UNIQUE, last_error TEXT NOT NULL, created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX kernel_jobs_due ON kernel_jobs (run_at, id);

CREATE TABLE kernel_migrations (domain TEXT NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL, checksum TEXT NOT NULL, version TEXT NOT NULL, applied_at INTEGER NOT NULL, PRIMARY KEY (domain, number)) STRICT;

CREATE TABLE kernel_notifications (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, actor TEXT NOT NULL, channel TEXT NOT NULL, recipient TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL,
  kind TEXT NOT NULL, ref_id INTEGER NOT NULL, state TEXT NOT NULL, send_at INTEGER NOT NULL, undoable INTEGER NOT NULL
) STRICT;

CREATE INDEX kernel_notifications_about ON kernel_notifications (kind, ref_id, id);

CREATE INDEX kernel_notifications_at ON kernel_notifications (at);

CREATE INDEX kernel_notifications_state ON kernel_notifications (state, id);

CREATE TABLE kernel_schedules (name TEXT PRIMARY KEY, next_at INTEGER NOT NULL) STRICT;

CREATE VIRTUAL TABLE kernel_search USING fts5(words, scopes, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2');

CREATE TABLE kernel_search_documents (
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, ref_id INTEGER NOT NULL, title TEXT NOT NULL, at INTEGER NOT NULL,
  words TEXT NOT NULL, scopes TEXT NOT NULL,
  UNIQUE (kind, ref_id)
) STRICT;

CREATE TABLE kernel_secrets (
  name TEXT PRIMARY KEY, key_id TEXT NOT NULL, nonce BLOB NOT NULL, sealed BLOB NOT NULL, updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE kernel_settings (
  key TEXT PRIMARY KEY, value TEXT NOT NULL, version INTEGER NOT NULL, updated_at INTEGER NOT NULL, updated_by TEXT NOT NULL
) STRICT;

CREATE TABLE kernel_subscriptions (
  name TEXT PRIMARY KEY, position INTEGER NOT NULL, failures INTEGER NOT NULL, retry_at INTEGER NOT NULL, last_error TEXT NOT NULL
) STRICT;
