-- Work items: incidents, requests and tasks. Kept for ever; numbers are never reused.
-- kind 0 incident, 1 request, 2 task. priority 0 low .. 3 urgent. stage = 2 * status (0 new, 1 in progress, 2 waiting, 3 resolved, 4 closed)
-- + 1 when it has an owner. team_id, place_id, requester_id and owner_id are 0 when there is none, so that every index holds every row.
CREATE TABLE desk_tickets (
  id {id}, kind {int} NOT NULL, stage {int} NOT NULL, priority {int} NOT NULL, summary {text} NOT NULL, detail {text} NOT NULL,
  team_id {int} NOT NULL, place_id {int} NOT NULL, requester_id {int} NOT NULL, owner_id {int} NOT NULL, source {int} NOT NULL,
  external_key {text} UNIQUE, handled {int} NOT NULL, wait_reason {text} NOT NULL, wait_until {int} NOT NULL, version {int} NOT NULL,
  created_at {int} NOT NULL, updated_at {int} NOT NULL, resolved_at {int} NOT NULL
) {strict};
-- Every list is a merge of ranges of these, newest first; the columns after `id` are there so that a range is filtered without its rows.
CREATE INDEX desk_tickets_by_stage ON desk_tickets (stage, updated_at, id);
CREATE INDEX desk_tickets_by_rank ON desk_tickets (stage, priority, kind, updated_at, id, team_id, place_id);
CREATE INDEX desk_tickets_by_team ON desk_tickets (team_id, stage, updated_at, id);
CREATE INDEX desk_tickets_by_team_rank ON desk_tickets (team_id, stage, priority, kind, updated_at, id);
CREATE INDEX desk_tickets_by_place ON desk_tickets (place_id, stage, updated_at, id, priority, kind, team_id);
CREATE INDEX desk_tickets_by_owner ON desk_tickets (owner_id, stage, updated_at, id, priority, kind, team_id, place_id, requester_id);
CREATE INDEX desk_tickets_by_requester ON desk_tickets (requester_id, updated_at, id, stage, priority, kind, team_id, place_id, owner_id);
-- Who follows a ticket besides its requester and owner. Kept as long as the ticket.
CREATE TABLE desk_participants (
  user_id {int} NOT NULL, ticket_id {int} NOT NULL REFERENCES desk_tickets (id), PRIMARY KEY (user_id, ticket_id)
--sqlite|) STRICT, WITHOUT ROWID;
--postgres|);
CREATE INDEX desk_participants_by_ticket ON desk_participants (ticket_id, user_id);
-- What was said: kind 0 public reply, 1 internal note, 2 how it was resolved. Kept as long as the ticket.
CREATE TABLE desk_entries (
  id {id}, ticket_id {int} NOT NULL REFERENCES desk_tickets (id), kind {int} NOT NULL, author {text} NOT NULL, author_name {text} NOT NULL,
  body {text} NOT NULL, at {int} NOT NULL
) {strict};
CREATE INDEX desk_entries_by_ticket ON desk_entries (ticket_id, id);
-- What a ticket points at: kind 0 about, 1 caused by, 2 duplicate of, 3 related to. Kept until unlinked.
CREATE TABLE desk_links (
  ticket_id {int} NOT NULL REFERENCES desk_tickets (id), target_kind {text} NOT NULL, target_id {int} NOT NULL, kind {int} NOT NULL,
  added_by {text} NOT NULL, at {int} NOT NULL, PRIMARY KEY (ticket_id, target_kind, target_id, kind)
--sqlite|) STRICT, WITHOUT ROWID;
--postgres|);
CREATE INDEX desk_links_by_target ON desk_links (target_kind, target_id, ticket_id);
-- Filters with a name; `plan` is the filter with names looked up. Kept until removed by their owner.
CREATE TABLE desk_views (
  id {id}, name {text} NOT NULL, filter {text} NOT NULL, plan {text} NOT NULL, owner_id {int} NOT NULL, shared {int} NOT NULL, version {int} NOT NULL,
  updated_at {int} NOT NULL
) {strict};
CREATE INDEX desk_views_by_owner ON desk_views (owner_id, name, id);
CREATE INDEX desk_views_shared ON desk_views (shared, name, id);
