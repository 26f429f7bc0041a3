-- The tables of this domain as SQLite has them. A test writes this file from the migrations.

CREATE TABLE assets_addresses (
  address TEXT NOT NULL, role TEXT NOT NULL, asset_id INTEGER NOT NULL REFERENCES assets_things (id), PRIMARY KEY (address, role, asset_id)
) STRICT;

CREATE INDEX assets_addresses_by_thing ON assets_addresses (asset_id, role);

CREATE TABLE assets_declined_relations (
  from_id INTEGER NOT NULL REFERENCES assets_things (id), kind TEXT NOT NULL, to_id INTEGER NOT NULL REFERENCES assets_things (id), declined_by TEXT NOT NULL,
  declined_at INTEGER NOT NULL, PRIMARY KEY (from_id, kind, to_id)
) STRICT;

CREATE TABLE assets_evidence (
  kind TEXT NOT NULL, value TEXT NOT NULL, asset_id INTEGER NOT NULL REFERENCES assets_things (id), weight INTEGER NOT NULL, first_seen_at INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL, PRIMARY KEY (kind, value, asset_id)
) STRICT;

CREATE INDEX assets_evidence_by_asset ON assets_evidence (asset_id);

CREATE TABLE assets_facts (
  asset_id INTEGER NOT NULL, section TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, changed_at INTEGER NOT NULL, PRIMARY KEY (asset_id, section, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE assets_relations (
  id INTEGER PRIMARY KEY AUTOINCREMENT, from_id INTEGER NOT NULL REFERENCES assets_things (id), kind TEXT NOT NULL, to_id INTEGER NOT NULL REFERENCES assets_things (id), source TEXT NOT NULL,
  since INTEGER NOT NULL, alternatives TEXT NOT NULL DEFAULT '', discovered INTEGER NOT NULL DEFAULT 0, UNIQUE (from_id, kind, to_id)
) STRICT;

CREATE INDEX assets_relations_by_target ON assets_relations (to_id);

CREATE TABLE assets_sections (
  asset_id INTEGER NOT NULL REFERENCES assets_things (id), section TEXT NOT NULL, hash TEXT NOT NULL, source TEXT NOT NULL, seen_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL, facts INTEGER NOT NULL, PRIMARY KEY (asset_id, section)
) STRICT;

CREATE TABLE assets_things (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, kind TEXT NOT NULL, tag TEXT NOT NULL UNIQUE, status TEXT NOT NULL, criticality TEXT NOT NULL, place_id INTEGER,
  team_id INTEGER, owner_id INTEGER, notes TEXT NOT NULL, last_seen_at INTEGER, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, version INTEGER NOT NULL
, folded TEXT) STRICT;

CREATE INDEX assets_things_by_criticality ON assets_things (criticality, name, id);

CREATE INDEX assets_things_by_hearing ON assets_things (status, last_seen_at);

CREATE INDEX assets_things_by_kind ON assets_things (kind, name, id);

CREATE INDEX assets_things_by_name ON assets_things (name, id);

CREATE INDEX assets_things_by_owner ON assets_things (owner_id, name, id);

CREATE INDEX assets_things_by_place ON assets_things (place_id, name, id);

CREATE INDEX assets_things_by_status ON assets_things (status, name, id);

CREATE INDEX assets_things_by_team ON assets_things (team_id, name, id);

CREATE INDEX assets_things_by_update ON assets_things (updated_at, id);

CREATE INDEX assets_things_unfolded ON assets_things (id) WHERE folded IS NULL;
