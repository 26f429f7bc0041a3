-- When this server listened, one row a time without a break: what came between two rows was not heard, and says nothing
-- about jobs. Kept 400 days. A run of a job that began and never said its end is kept beside the newest beginning.
CREATE TABLE monitor_listening (from_at {int} PRIMARY KEY, to_at {int} NOT NULL) {strict};
ALTER TABLE monitor_heartbeats ADD COLUMN open_since {int} NOT NULL DEFAULT 0;
UPDATE monitor_heartbeats SET open_since = started_at WHERE started_at > ended_at;
