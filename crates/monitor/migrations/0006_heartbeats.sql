-- What was heard of jobs, one row a heartbeat. The secret of the address is kept as its hash, and sealed elsewhere. Kept as
-- long as the check.
CREATE TABLE monitor_heartbeats (
  check_id {int} PRIMARY KEY, secret_hash {text} NOT NULL, made_at {int} NOT NULL, started_at {int} NOT NULL, ended_at {int} NOT NULL,
  exit_code {int} NOT NULL, took_us {int}, note {text} NOT NULL
) {strict};
CREATE UNIQUE INDEX monitor_heartbeats_hash ON monitor_heartbeats (secret_hash);
