-- Everything the department looks after. Kept for ever; what is gone is retired.
CREATE TABLE assets_things (
  id {id}, name {text} NOT NULL, kind {text} NOT NULL, tag {text} NOT NULL UNIQUE, status {text} NOT NULL, criticality {text} NOT NULL, place_id {int},
  team_id {int}, owner_id {int}, notes {text} NOT NULL, last_seen_at {int}, created_at {int} NOT NULL, updated_at {int} NOT NULL, version {int} NOT NULL
) {strict};
CREATE INDEX assets_things_by_name ON assets_things (name, id);
CREATE INDEX assets_things_by_update ON assets_things (updated_at, id);
CREATE INDEX assets_things_by_team ON assets_things (team_id, name, id);
CREATE INDEX assets_things_by_owner ON assets_things (owner_id, name, id);
CREATE INDEX assets_things_by_place ON assets_things (place_id, name, id);
-- What is known of a thing now, value by value. A row goes when the fact does; events tell what changed.
CREATE TABLE assets_facts (
  asset_id {int} NOT NULL, section {text} NOT NULL, key {text} NOT NULL, value {text} NOT NULL, changed_at {int} NOT NULL, PRIMARY KEY (asset_id, section, key)
--sqlite|) STRICT, WITHOUT ROWID;
--postgres|);
-- The sections of facts with the hash their differences start from, who reports them and when last. Kept as long as the thing.
CREATE TABLE assets_sections (
  asset_id {int} NOT NULL REFERENCES assets_things (id), section {text} NOT NULL, hash {text} NOT NULL, source {text} NOT NULL, seen_at {int} NOT NULL,
  changed_at {int} NOT NULL, facts {int} NOT NULL, PRIMARY KEY (asset_id, section)
) {strict};
-- Signs by which a thing is known again. Kept as long as the thing.
CREATE TABLE assets_evidence (
  kind {text} NOT NULL, value {text} NOT NULL, asset_id {int} NOT NULL REFERENCES assets_things (id), weight {int} NOT NULL, first_seen_at {int} NOT NULL,
  last_seen_at {int} NOT NULL, PRIMARY KEY (kind, value, asset_id)
) {strict};
CREATE INDEX assets_evidence_by_asset ON assets_evidence (asset_id);
-- What stands on what. A row goes when the relation does; events tell that it was.
CREATE TABLE assets_relations (
  id {id}, from_id {int} NOT NULL REFERENCES assets_things (id), kind {text} NOT NULL, to_id {int} NOT NULL REFERENCES assets_things (id), source {text} NOT NULL,
  since {int} NOT NULL, UNIQUE (from_id, kind, to_id)
) {strict};
CREATE INDEX assets_relations_by_target ON assets_relations (to_id);
