-- The tables of this domain as SQLite has them. A test writes this file from the migrations.

CREATE TABLE desk_entries (
  id INTEGER PRIMARY KEY AUTOINCREMENT, ticket_id INTEGER NOT NULL REFERENCES desk_tickets (id), kind INTEGER NOT NULL, author TEXT NOT NULL, author_name TEXT NOT NULL,
  body TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;

CREATE INDEX desk_entries_by_ticket ON desk_entries (ticket_id, id);

CREATE TABLE desk_links (
  ticket_id INTEGER NOT NULL REFERENCES desk_tickets (id), target_kind TEXT NOT NULL, target_id INTEGER NOT NULL, kind INTEGER NOT NULL,
  added_by TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (ticket_id, target_kind, target_id, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX desk_links_by_target ON desk_links (target_kind, target_id, ticket_id);

CREATE TABLE desk_participants (
  user_id INTEGER NOT NULL, ticket_id INTEGER NOT NULL REFERENCES desk_tickets (id), PRIMARY KEY (user_id, ticket_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX desk_participants_by_ticket ON desk_participants (ticket_id, user_id);

CREATE TABLE desk_tickets (
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, stage INTEGER NOT NULL, priority INTEGER NOT NULL, summary TEXT NOT NULL, detail TEXT NOT NULL,
  team_id INTEGER NOT NULL, place_id INTEGER NOT NULL, requester_id INTEGER NOT NULL, owner_id INTEGER NOT NULL, source INTEGER NOT NULL,
  external_key TEXT UNIQUE, handled INTEGER NOT NULL, wait_reason TEXT NOT NULL, wait_until INTEGER NOT NULL, version INTEGER NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, resolved_at INTEGER NOT NULL
) STRICT;

CREATE INDEX desk_tickets_by_owner ON desk_tickets (owner_id, stage, updated_at, id, priority, kind, team_id, place_id, requester_id);

CREATE INDEX desk_tickets_by_place ON desk_tickets (place_id, stage, updated_at, id, priority, kind, team_id);

CREATE INDEX desk_tickets_by_rank ON desk_tickets (stage, priority, kind, updated_at, id, team_id, place_id);

CREATE INDEX desk_tickets_by_requester ON desk_tickets (requester_id, updated_at, id, stage, priority, kind, team_id, place_id, owner_id);

CREATE INDEX desk_tickets_by_stage ON desk_tickets (stage, updated_at, id);

CREATE INDEX desk_tickets_by_team ON desk_tickets (team_id, stage, updated_at, id);

CREATE INDEX desk_tickets_by_team_rank ON desk_tickets (team_id, stage, priority, kind, updated_at, id);

CREATE TABLE desk_views (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, filter TEXT NOT NULL, plan TEXT NOT NULL, owner_id INTEGER NOT NULL, shared INTEGER NOT NULL, version INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX desk_views_by_owner ON desk_views (owner_id, name, id);

CREATE INDEX desk_views_shared ON desk_views (shared, name, id);
