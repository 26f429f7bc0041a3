-- Flags and counters of the database itself. Kept for ever.
CREATE TABLE kernel_counters (name {text} PRIMARY KEY, value {int} NOT NULL) {strict};
INSERT INTO kernel_counters (name, value) VALUES ('event_position', 0), ('epoch', 1), ('held', 0);

-- What happened. Kept for two years.
CREATE TABLE kernel_events (
  id {id}, position {int} NOT NULL, name {text} NOT NULL, at {int} NOT NULL, actor {text} NOT NULL, actor_name {text} NOT NULL,
  title {text} NOT NULL, mark {text} NOT NULL, subjects {text} NOT NULL, payload {text} NOT NULL
) {strict};
CREATE INDEX kernel_events_unnumbered ON kernel_events (id) WHERE position = 0;
CREATE UNIQUE INDEX kernel_events_position ON kernel_events (position) WHERE position > 0;
-- Which things an event names. Kept as long as the event.
CREATE TABLE kernel_event_subjects (
  kind {text} NOT NULL, ref_id {int} NOT NULL, event_id {int} NOT NULL, PRIMARY KEY (kind, ref_id, event_id)
--sqlite|) STRICT, WITHOUT ROWID;
--postgres|);
-- How far each subscriber has read. Kept while the subscriber exists.
CREATE TABLE kernel_subscriptions (
  name {text} PRIMARY KEY, position {int} NOT NULL, failures {int} NOT NULL, retry_at {int} NOT NULL, last_error {text} NOT NULL
) {strict};
-- Events and jobs that were given up. Kept until somebody retries or discards them.
CREATE TABLE kernel_dead_letters (
  id {id}, source {text} NOT NULL, name {text} NOT NULL, event_id {int}, job_id {int}, payload {text} NOT NULL, error {text} NOT NULL, at {int} NOT NULL
) {strict};

-- Waiting and running jobs. A finished job is deleted.
CREATE TABLE kernel_jobs (
  id {id}, kind {text} NOT NULL, payload {text} NOT NULL, run_at {int} NOT NULL, attempts {int} NOT NULL, lease_until {int} NOT NULL,
  unique_key {text} UNIQUE, last_error {text} NOT NULL, created_at {int} NOT NULL
) {strict};
CREATE INDEX kernel_jobs_due ON kernel_jobs (run_at, id);
-- When each schedule runs next. Kept while the schedule exists.
CREATE TABLE kernel_schedules (name {text} PRIMARY KEY, next_at {int} NOT NULL) {strict};

-- Who did what. Kept for seven years; the digest covers the detail, which may be deleted earlier.
CREATE TABLE kernel_audit (
  id {id}, at {int} NOT NULL, actor {text} NOT NULL, operation {text} NOT NULL, via {text} NOT NULL, outcome {text} NOT NULL,
  subject_kind {text} NOT NULL, subject_id {int} NOT NULL, digest {text} NOT NULL
) {strict};
CREATE INDEX kernel_audit_subject ON kernel_audit (subject_kind, subject_id, id);
CREATE INDEX kernel_audit_actor ON kernel_audit (actor, id);
CREATE TABLE kernel_audit_details (audit_id {int} PRIMARY KEY, detail {text} NOT NULL) {strict};
-- Seals over ranges of the audit. Kept as long as the audit.
CREATE TABLE kernel_audit_seals (
  id {id}, first_id {int} NOT NULL, last_id {int} NOT NULL, entries {int} NOT NULL, sealed_at {int} NOT NULL, digest {text} NOT NULL, previous {text} NOT NULL
) {strict};

-- Settings that differ from their defaults. Kept while they do.
CREATE TABLE kernel_settings (
  key {text} PRIMARY KEY, value {text} NOT NULL, version {int} NOT NULL, updated_at {int} NOT NULL, updated_by {text} NOT NULL
) {strict};
-- Answers to calls with an idempotency key. Kept for a day.
CREATE TABLE kernel_idempotency (
  actor {text} NOT NULL, key {text} NOT NULL, digest {text} NOT NULL, output {text} NOT NULL, expires_at {int} NOT NULL, PRIMARY KEY (actor, key)
) {strict};
-- Sealed secrets. Kept until removed by their owner.
CREATE TABLE kernel_secrets (
  name {text} PRIMARY KEY, key_id {text} NOT NULL, nonce {bytes} NOT NULL, sealed {bytes} NOT NULL, updated_at {int} NOT NULL
) {strict};
-- What needs somebody now. A row goes when the need ends.
CREATE TABLE kernel_attention (
  kind {text} NOT NULL, ref_id {int} NOT NULL, need {text} NOT NULL, title {text} NOT NULL, why {text} NOT NULL, mark {text} NOT NULL,
  word {text} NOT NULL, weight {int} NOT NULL, since {int} NOT NULL, action {text} NOT NULL, href {text} NOT NULL, team_id {int}, user_id {int},
  "grant" {text} NOT NULL, PRIMARY KEY (kind, ref_id, need)
) {strict};
CREATE INDEX kernel_attention_weight ON kernel_attention (weight);
