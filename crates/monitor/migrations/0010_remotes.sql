-- How far samples were sent to each endpoint of the setting monitor.remote. Kept until the endpoint is gone.
CREATE TABLE monitor_remotes (
  name {text} PRIMARY KEY, position_ms {int} NOT NULL, sent {int} NOT NULL, dropped {int} NOT NULL, skipped_ms {int} NOT NULL,
  error {text} NOT NULL, failing_since {int} NOT NULL, updated_at {int} NOT NULL
) {strict};
