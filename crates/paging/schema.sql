-- The tables of this domain as SQLite has them. A test writes this file from the migrations.

CREATE TABLE paging_attempts (
  id INTEGER PRIMARY KEY AUTOINCREMENT, message_id INTEGER NOT NULL, at INTEGER NOT NULL, attempt INTEGER NOT NULL, ok INTEGER NOT NULL, answer TEXT NOT NULL
) STRICT;

CREATE INDEX paging_attempts_message ON paging_attempts (message_id, id);

CREATE TABLE paging_beats (
  url_hash TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL, ok INTEGER NOT NULL, answer TEXT NOT NULL
) STRICT;

CREATE TABLE paging_channels (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, config TEXT NOT NULL, enabled INTEGER NOT NULL, version INTEGER NOT NULL
) STRICT;

CREATE TABLE paging_contacts (
  id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL, position INTEGER NOT NULL, channel_id INTEGER NOT NULL, address TEXT NOT NULL, severity TEXT NOT NULL,
  hours TEXT NOT NULL
) STRICT;

CREATE INDEX paging_contacts_user ON paging_contacts (user_id, position, id);

CREATE TABLE paging_groups (
  group_id INTEGER NOT NULL PRIMARY KEY, root_id INTEGER NOT NULL, title TEXT NOT NULL, facts TEXT NOT NULL, lines TEXT NOT NULL, trace TEXT NOT NULL, silenced INTEGER NOT NULL, opened_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL, acknowledged_by TEXT NOT NULL, acknowledged_at INTEGER NOT NULL
, again_at INTEGER NOT NULL DEFAULT 0, again_from INTEGER NOT NULL DEFAULT 0, own TEXT NOT NULL DEFAULT '[]') STRICT;

CREATE INDEX paging_groups_ended ON paging_groups (ended_at);

CREATE INDEX paging_groups_root ON paging_groups (root_id);

CREATE TABLE paging_lanes (
  lane TEXT NOT NULL PRIMARY KEY, failing_since INTEGER NOT NULL, failures INTEGER NOT NULL, retry_at INTEGER NOT NULL, answer TEXT NOT NULL,
  seen_at INTEGER NOT NULL, tested_at INTEGER NOT NULL, test_ok INTEGER NOT NULL
) STRICT;

CREATE TABLE paging_messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT, dedup TEXT NOT NULL UNIQUE, what TEXT NOT NULL, group_id INTEGER NOT NULL, page_id INTEGER NOT NULL, step INTEGER NOT NULL,
  round INTEGER NOT NULL, user_id INTEGER NOT NULL, lane TEXT NOT NULL, address TEXT NOT NULL, label TEXT NOT NULL, contact INTEGER NOT NULL,
  subject TEXT NOT NULL, lines TEXT NOT NULL, severity TEXT NOT NULL, team_id INTEGER, place_id INTEGER, state TEXT NOT NULL,
  attempts INTEGER NOT NULL, answer TEXT NOT NULL, at INTEGER NOT NULL, send_at INTEGER NOT NULL, sent_at INTEGER NOT NULL
) STRICT;

CREATE INDEX paging_messages_at ON paging_messages (at);

CREATE INDEX paging_messages_group ON paging_messages (group_id, id);

CREATE INDEX paging_messages_lane ON paging_messages (lane, state, send_at);

CREATE INDEX paging_messages_place ON paging_messages (place_id, id);

CREATE INDEX paging_messages_place_state ON paging_messages (place_id, state, id) WHERE state <> 'sent';

CREATE INDEX paging_messages_state ON paging_messages (state, id);

CREATE INDEX paging_messages_team ON paging_messages (team_id, id);

CREATE INDEX paging_messages_team_state ON paging_messages (team_id, state, id) WHERE state <> 'sent';

CREATE INDEX paging_messages_user ON paging_messages (user_id, id);

CREATE INDEX paging_messages_user_page ON paging_messages (user_id, page_id, what);

CREATE INDEX paging_messages_waiting ON paging_messages (lane, id) WHERE state = 'waiting';

CREATE TABLE paging_notes (
  id INTEGER PRIMARY KEY AUTOINCREMENT, page_id INTEGER NOT NULL, group_id INTEGER NOT NULL, at INTEGER NOT NULL, step INTEGER NOT NULL, round INTEGER NOT NULL, line TEXT NOT NULL,
  users TEXT NOT NULL
) STRICT;

CREATE INDEX paging_notes_group ON paging_notes (group_id, id);

CREATE TABLE paging_pages (
  id INTEGER PRIMARY KEY AUTOINCREMENT, group_id INTEGER NOT NULL, policy_id INTEGER NOT NULL, route TEXT NOT NULL, state TEXT NOT NULL, step INTEGER NOT NULL,
  round INTEGER NOT NULL, told INTEGER NOT NULL, due_at INTEGER NOT NULL, wait_us INTEGER NOT NULL, severity TEXT NOT NULL, team_id INTEGER,
  place_id INTEGER, opened_at INTEGER NOT NULL, ended_at INTEGER NOT NULL
, first_round INTEGER NOT NULL DEFAULT 1, own TEXT NOT NULL DEFAULT '', own_team INTEGER NOT NULL DEFAULT 0, own_check INTEGER NOT NULL DEFAULT 0, acknowledged_by TEXT NOT NULL DEFAULT '', acknowledged_at INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE INDEX paging_pages_due ON paging_pages (due_at);

CREATE UNIQUE INDEX paging_pages_once ON paging_pages (group_id, policy_id, own_team);

CREATE INDEX paging_pages_place ON paging_pages (place_id, id);

CREATE INDEX paging_pages_policy ON paging_pages (policy_id, state);

CREATE INDEX paging_pages_state ON paging_pages (state, id);

CREATE INDEX paging_pages_team ON paging_pages (team_id, id);

CREATE TABLE paging_policies (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, steps TEXT NOT NULL, repeats INTEGER NOT NULL, repeat_after_s INTEGER NOT NULL,
  again_after_s INTEGER NOT NULL, version INTEGER NOT NULL
) STRICT;

CREATE TABLE paging_routes (
  id INTEGER PRIMARY KEY AUTOINCREMENT, parent_id INTEGER NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL, wanted TEXT NOT NULL, policy_id INTEGER NOT NULL,
  goes_on INTEGER NOT NULL, version INTEGER NOT NULL
) STRICT;

CREATE INDEX paging_routes_order ON paging_routes (parent_id, position, id);
