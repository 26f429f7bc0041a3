-- On-call rotas. Who is on call is computed from the rotations (JSON) and the overrides, never written out. Kept until deleted.
CREATE TABLE people_rotas (
  id {id}, slug {text} NOT NULL UNIQUE, name {text} NOT NULL, about {text} NOT NULL, team_id {int} REFERENCES people_teams (id), time_zone {text} NOT NULL,
  rotations {text} NOT NULL, uid {text} NOT NULL, created_at {int} NOT NULL, changed_at {int} NOT NULL, version {int} NOT NULL
) {strict};
CREATE INDEX people_rotas_by_name ON people_rotas (name, id);
-- Exceptions from rotas; `source` is the event of a calendar that one came from. Kept for 400 days after they end, or until taken back.
CREATE TABLE people_rota_overrides (
  id {id}, rota_id {int} NOT NULL REFERENCES people_rotas (id), from_at {int} NOT NULL, to_at {int} NOT NULL, added {text} NOT NULL, removed {text} NOT NULL,
  everybody {int} NOT NULL, why {text} NOT NULL, source {text} NOT NULL, made_by {text} NOT NULL, made_at {int} NOT NULL
) {strict};
CREATE INDEX people_rota_overrides_by_end ON people_rota_overrides (rota_id, to_at);
CREATE INDEX people_rota_overrides_by_source ON people_rota_overrides (rota_id, source);
CREATE INDEX people_rota_overrides_by_age ON people_rota_overrides (to_at);
-- Addresses of calendars; only the hash of the secret is here. Kept for 400 days after they are revoked.
CREATE TABLE people_rota_feeds (
  id {id}, secret_hash {text} NOT NULL UNIQUE, user_id {int} NOT NULL REFERENCES people_users (id), rota_id {int} REFERENCES people_rotas (id),
  made_at {int} NOT NULL, revoked_at {int}
) {strict};
CREATE INDEX people_rota_feeds_by_user ON people_rota_feeds (user_id, id);
CREATE INDEX people_rota_feeds_by_rota ON people_rota_feeds (rota_id);
