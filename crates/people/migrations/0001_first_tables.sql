-- People who may sign in or are asked for. Kept for ever; a person who left is disabled.
CREATE TABLE people_users (
  id {id}, login {text} NOT NULL UNIQUE, name {text} NOT NULL, email {text} NOT NULL, password_hash {text} NOT NULL, zone {text} NOT NULL,
  locale {text} NOT NULL, place_id {int}, disabled_at {int}, created_at {int} NOT NULL, updated_at {int} NOT NULL, version {int} NOT NULL
) {strict};
CREATE INDEX people_users_by_name ON people_users (name, id);
CREATE INDEX people_users_by_email ON people_users (email);
-- Who a user is for each issuer of identities; 'local' is this server. Kept as long as the user.
CREATE TABLE people_identities (
  issuer {text} NOT NULL, subject {text} NOT NULL, user_id {int} NOT NULL REFERENCES people_users (id), since {int} NOT NULL, PRIMARY KEY (issuer, subject)
) {strict};
CREATE INDEX people_identities_by_user ON people_identities (user_id);
-- Teams. Kept until removed.
CREATE TABLE people_teams (
  id {id}, slug {text} NOT NULL UNIQUE, name {text} NOT NULL, about {text} NOT NULL, created_at {int} NOT NULL, version {int} NOT NULL
) {strict};
-- Who is in which team now. A row goes when the person leaves; the audit remembers.
CREATE TABLE people_members (
  team_id {int} NOT NULL REFERENCES people_teams (id), user_id {int} NOT NULL REFERENCES people_users (id), is_lead {int} NOT NULL, since {int} NOT NULL,
  PRIMARY KEY (team_id, user_id)
) {strict};
CREATE INDEX people_members_by_user ON people_members (user_id);
-- The tree of places; a root is a client. `path` holds the numbers from the root, as in /1/4/. Kept until removed.
CREATE TABLE people_places (
  id {id}, parent_id {int} REFERENCES people_places (id), kind {text} NOT NULL, name {text} NOT NULL, path {text} NOT NULL, created_at {int} NOT NULL,
  version {int} NOT NULL
) {strict};
CREATE INDEX people_places_by_path ON people_places (path);
CREATE INDEX people_places_by_parent ON people_places (parent_id);
-- Who holds which role where. Revoked and expired rows are kept for ever: they say who could do what and when.
CREATE TABLE people_grants (
  id {id}, role {text} NOT NULL, user_id {int} REFERENCES people_users (id), team_id {int} REFERENCES people_teams (id), scope {text} NOT NULL,
  scope_place_id {int} REFERENCES people_places (id), scope_team_id {int} REFERENCES people_teams (id), reason {text} NOT NULL, given_by {text} NOT NULL,
  given_at {int} NOT NULL, expires_at {int}, revoked_at {int}, revoked_by {text} NOT NULL, revoke_reason {text} NOT NULL
) {strict};
CREATE INDEX people_grants_by_user ON people_grants (user_id);
CREATE INDEX people_grants_by_team ON people_grants (team_id);
-- Sign-ins at a browser; only the hash of the token is here. Kept for 30 days after they end.
CREATE TABLE people_sessions (
  id {id}, token_hash {text} NOT NULL UNIQUE, csrf {text} NOT NULL, user_id {int} NOT NULL REFERENCES people_users (id), origin {text} NOT NULL,
  started_at {int} NOT NULL, seen_at {int} NOT NULL, proof_at {int} NOT NULL, expires_at {int} NOT NULL, ended_at {int}
) {strict};
CREATE INDEX people_sessions_by_user ON people_sessions (user_id, id);
-- Tokens for programs; only the hash of the token is here. Kept for ever: they say what could act as whom.
CREATE TABLE people_tokens (
  id {id}, token_hash {text} NOT NULL UNIQUE, user_id {int} NOT NULL REFERENCES people_users (id), name {text} NOT NULL, patterns {text} NOT NULL,
  standing {int} NOT NULL, created_by {text} NOT NULL, created_at {int} NOT NULL, expires_at {int}, used_at {int}, revoked_at {int}
) {strict};
CREATE INDEX people_tokens_by_user ON people_tokens (user_id, id);
-- Failed sign-ins per login and per address. Kept for a day after the last one.
CREATE TABLE people_attempts (
  subject {text} PRIMARY KEY, failures {int} NOT NULL, last_at {int} NOT NULL, blocked_until {int} NOT NULL
) {strict};
-- The one-time secret of the first start. One row, kept for ever.
CREATE TABLE people_setup (
  id {int} PRIMARY KEY, secret_hash {text} NOT NULL, issued_at {int} NOT NULL, used_at {int}
) {strict};
