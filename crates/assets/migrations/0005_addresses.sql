-- Addresses by role: 'own' are those that a thing's agent reports of it, 'given' those that a person says it has; the others are those of what it stands on, by the kind of relation. A row goes when the facts, or the person, no longer say so.
CREATE TABLE assets_addresses (
  address {text} NOT NULL, role {text} NOT NULL, asset_id {int} NOT NULL REFERENCES assets_things (id), PRIMARY KEY (address, role, asset_id)
) {strict};
CREATE INDEX assets_addresses_by_thing ON assets_addresses (asset_id, role);
-- Relations that facts speak for and somebody said are not so. A row goes when somebody says that it is so; kept as long as the thing otherwise.
CREATE TABLE assets_declined_relations (
  from_id {int} NOT NULL REFERENCES assets_things (id), kind {text} NOT NULL, to_id {int} NOT NULL REFERENCES assets_things (id), declined_by {text} NOT NULL,
  declined_at {int} NOT NULL, PRIMARY KEY (from_id, kind, to_id)
) {strict};
-- 1: facts speak for the relation and nobody said it, so it goes when the facts no longer do.
ALTER TABLE assets_relations ADD COLUMN discovered {int} NOT NULL DEFAULT 0;
