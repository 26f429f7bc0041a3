-- The tables of this domain as SQLite has them. A test writes this file from the migrations.

CREATE TABLE people_attempts (
  subject TEXT PRIMARY KEY, failures INTEGER NOT NULL, last_at INTEGER NOT NULL, blocked_until INTEGER NOT NULL
) STRICT;

CREATE INDEX people_attempts_by_last ON people_attempts (last_at);

CREATE TABLE people_grants (
  id INTEGER PRIMARY KEY AUTOINCREMENT, role TEXT NOT NULL, user_id INTEGER REFERENCES people_users (id), team_id INTEGER REFERENCES people_teams (id), scope TEXT NOT NULL,
  scope_place_id INTEGER REFERENCES people_places (id), scope_team_id INTEGER REFERENCES people_teams (id), reason TEXT NOT NULL, given_by TEXT NOT NULL,
  given_at INTEGER NOT NULL, expires_at INTEGER, revoked_at INTEGER, revoked_by TEXT NOT NULL, revoke_reason TEXT NOT NULL
) STRICT;

CREATE INDEX people_grants_by_team ON people_grants (team_id);

CREATE INDEX people_grants_by_user ON people_grants (user_id);

CREATE TABLE people_identities (
  issuer TEXT NOT NULL, subject TEXT NOT NULL, user_id INTEGER NOT NULL REFERENCES people_users (id), since INTEGER NOT NULL, PRIMARY KEY (issuer, subject)
) STRICT;

CREATE INDEX people_identities_by_user ON people_identities (user_id);

CREATE TABLE people_known_sources (
  user_id INTEGER NOT NULL REFERENCES people_users (id), source TEXT NOT NULL, last_at INTEGER NOT NULL, PRIMARY KEY (user_id, source)
) STRICT;

CREATE INDEX people_known_sources_by_last ON people_known_sources (last_at);

CREATE TABLE people_members (
  team_id INTEGER NOT NULL REFERENCES people_teams (id), user_id INTEGER NOT NULL REFERENCES people_users (id), is_lead INTEGER NOT NULL, since INTEGER NOT NULL,
  PRIMARY KEY (team_id, user_id)
) STRICT;

CREATE INDEX people_members_by_user ON people_members (user_id);

CREATE TABLE people_places (
  id INTEGER PRIMARY KEY AUTOINCREMENT, parent_id INTEGER REFERENCES people_places (id), kind TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL, created_at INTEGER NOT NULL,
  version INTEGER NOT NULL
, folded TEXT) STRICT;

CREATE INDEX people_places_by_folded ON people_places (folded);

CREATE INDEX people_places_by_parent ON people_places (parent_id);

CREATE INDEX people_places_by_path ON people_places (path);

CREATE TABLE people_rota_feeds (
  id INTEGER PRIMARY KEY AUTOINCREMENT, secret_hash TEXT NOT NULL UNIQUE, user_id INTEGER NOT NULL REFERENCES people_users (id), rota_id INTEGER REFERENCES people_rotas (id),
  made_at INTEGER NOT NULL, revoked_at INTEGER
) STRICT;

CREATE INDEX people_rota_feeds_by_rota ON people_rota_feeds (rota_id);

CREATE INDEX people_rota_feeds_by_user ON people_rota_feeds (user_id, id);

CREATE TABLE people_rota_overrides (
  id INTEGER PRIMARY KEY AUTOINCREMENT, rota_id INTEGER NOT NULL REFERENCES people_rotas (id), from_at INTEGER NOT NULL, to_at INTEGER NOT NULL, added TEXT NOT NULL, removed TEXT NOT NULL,
  everybody INTEGER NOT NULL, why TEXT NOT NULL, source TEXT NOT NULL, made_by TEXT NOT NULL, made_at INTEGER NOT NULL
, made_by_user INTEGER REFERENCES people_users (id)) STRICT;

CREATE INDEX people_rota_overrides_by_age ON people_rota_overrides (to_at);

CREATE INDEX people_rota_overrides_by_end ON people_rota_overrides (rota_id, to_at);

CREATE INDEX people_rota_overrides_by_source ON people_rota_overrides (rota_id, source);

CREATE TABLE people_rotas (
  id INTEGER PRIMARY KEY AUTOINCREMENT, slug TEXT NOT NULL UNIQUE, name TEXT NOT NULL, about TEXT NOT NULL, team_id INTEGER REFERENCES people_teams (id), time_zone TEXT NOT NULL,
  rotations TEXT NOT NULL, uid TEXT NOT NULL, created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL, version INTEGER NOT NULL
, imported TEXT) STRICT;

CREATE INDEX people_rotas_by_name ON people_rotas (name, id);

CREATE TABLE people_sessions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, token_hash TEXT NOT NULL UNIQUE, csrf TEXT NOT NULL, user_id INTEGER NOT NULL REFERENCES people_users (id), origin TEXT NOT NULL,
  started_at INTEGER NOT NULL, seen_at INTEGER NOT NULL, proof_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, ended_at INTEGER
) STRICT;

CREATE INDEX people_sessions_by_expiry ON people_sessions (expires_at);

CREATE INDEX people_sessions_by_user ON people_sessions (user_id, id);

CREATE TABLE people_setup (
  id INTEGER PRIMARY KEY, secret_hash TEXT NOT NULL, issued_at INTEGER NOT NULL, used_at INTEGER
) STRICT;

CREATE TABLE people_teams (
  id INTEGER PRIMARY KEY AUTOINCREMENT, slug TEXT NOT NULL UNIQUE, name TEXT NOT NULL, about TEXT NOT NULL, created_at INTEGER NOT NULL, version INTEGER NOT NULL
) STRICT;

CREATE TABLE people_tokens (
  id INTEGER PRIMARY KEY AUTOINCREMENT, token_hash TEXT NOT NULL UNIQUE, user_id INTEGER NOT NULL REFERENCES people_users (id), name TEXT NOT NULL, patterns TEXT NOT NULL,
  standing INTEGER NOT NULL, created_by TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER, used_at INTEGER, revoked_at INTEGER
) STRICT;

CREATE INDEX people_tokens_by_user ON people_tokens (user_id, id);

CREATE TABLE people_users (
  id INTEGER PRIMARY KEY AUTOINCREMENT, login TEXT NOT NULL UNIQUE, name TEXT NOT NULL, email TEXT NOT NULL, password_hash TEXT NOT NULL, zone TEXT NOT NULL,
  locale TEXT NOT NULL, place_id INTEGER, disabled_at INTEGER, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, version INTEGER NOT NULL
, folded TEXT) STRICT;

CREATE INDEX people_users_by_email ON people_users (email);

CREATE INDEX people_users_by_name ON people_users (name, id);

CREATE INDEX people_users_unfolded ON people_users (id) WHERE folded IS NULL;
