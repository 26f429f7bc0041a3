-- Checks that facts of an asset suggest, and what became of the suggestion. Open ones go when the facts do; the others are
-- kept as long as the asset, so that nothing is proposed twice.
CREATE TABLE monitor_proposals (
  id {id}, asset_id {int} NOT NULL, target {text} NOT NULL, kind {text} NOT NULL, name {text} NOT NULL, why {text} NOT NULL,
  fields {text} NOT NULL, state {text} NOT NULL, check_id {int}, team_id {int}, place_id {int}, owner_id {int},
  created_at {int} NOT NULL, decided_by {text} NOT NULL, version {int} NOT NULL
) {strict};
CREATE UNIQUE INDEX monitor_proposals_target ON monitor_proposals (asset_id, target);
CREATE INDEX monitor_proposals_state ON monitor_proposals (state, id);
