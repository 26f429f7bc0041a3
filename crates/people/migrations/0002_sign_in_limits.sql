-- Networks that a user signed in from: failures elsewhere do not keep them out from there. Kept for 180 days after the last sign-in.
CREATE TABLE people_known_sources (
  user_id {int} NOT NULL REFERENCES people_users (id), source {text} NOT NULL, last_at {int} NOT NULL, PRIMARY KEY (user_id, source)
) {strict};
CREATE INDEX people_known_sources_by_last ON people_known_sources (last_at);
CREATE INDEX people_attempts_by_last ON people_attempts (last_at);
CREATE INDEX people_sessions_by_expiry ON people_sessions (expires_at);
