-- The routing tree: nodes in order below their parent (0 at the top). Kept until removed.
CREATE TABLE paging_routes (
  id {id}, parent_id {int} NOT NULL, position {int} NOT NULL, name {text} NOT NULL, wanted {text} NOT NULL, policy_id {int} NOT NULL,
  goes_on {int} NOT NULL, version {int} NOT NULL
) {strict};
CREATE INDEX paging_routes_order ON paging_routes (parent_id, position, id);
-- Escalation policies. Kept until removed.
CREATE TABLE paging_policies (
  id {id}, name {text} NOT NULL UNIQUE, steps {text} NOT NULL, repeats {int} NOT NULL, repeat_after_s {int} NOT NULL,
  again_after_s {int} NOT NULL, version {int} NOT NULL
) {strict};
-- Channels; addresses and tokens are sealed secrets of the kernel. Kept until removed.
CREATE TABLE paging_channels (
  id {id}, name {text} NOT NULL UNIQUE, kind {text} NOT NULL, config {text} NOT NULL, enabled {int} NOT NULL, version {int} NOT NULL
) {strict};
-- By which channels a person is told, in order. Kept as long as the person wants.
CREATE TABLE paging_contacts (
  id {id}, user_id {int} NOT NULL, position {int} NOT NULL, channel_id {int} NOT NULL, address {text} NOT NULL, severity {text} NOT NULL,
  hours {text} NOT NULL
) {strict};
CREATE INDEX paging_contacts_user ON paging_contacts (user_id, position, id);
-- What monitoring told of alert groups, and how each was routed. Kept for two years after they end.
CREATE TABLE paging_groups (
  group_id {int} NOT NULL PRIMARY KEY, root_id {int} NOT NULL, title {text} NOT NULL, severity {text} NOT NULL, team_id {int}, place_id {int},
  asset_id {int}, facts {text} NOT NULL, lines {text} NOT NULL, trace {text} NOT NULL, silenced {int} NOT NULL, opened_at {int} NOT NULL,
  ended_at {int} NOT NULL, acknowledged_by {text} NOT NULL, acknowledged_at {int} NOT NULL
) {strict};
CREATE INDEX paging_groups_root ON paging_groups (root_id);
CREATE INDEX paging_groups_ended ON paging_groups (ended_at);
-- Escalations: one a group and policy. Kept as long as the group.
CREATE TABLE paging_pages (
  id {id}, group_id {int} NOT NULL, policy_id {int} NOT NULL, route {text} NOT NULL, state {text} NOT NULL, step {int} NOT NULL,
  round {int} NOT NULL, told {int} NOT NULL, due_at {int} NOT NULL, wait_us {int} NOT NULL, severity {text} NOT NULL, team_id {int},
  place_id {int}, opened_at {int} NOT NULL, ended_at {int} NOT NULL
) {strict};
CREATE UNIQUE INDEX paging_pages_once ON paging_pages (group_id, policy_id);
CREATE INDEX paging_pages_state ON paging_pages (state, id);
CREATE INDEX paging_pages_due ON paging_pages (due_at);
CREATE INDEX paging_pages_policy ON paging_pages (policy_id, state);
-- What an escalation did and why, in plain words. Kept as long as the group.
CREATE TABLE paging_notes (
  id {id}, page_id {int} NOT NULL, group_id {int} NOT NULL, at {int} NOT NULL, step {int} NOT NULL, round {int} NOT NULL, line {text} NOT NULL,
  users {text} NOT NULL
) {strict};
CREATE INDEX paging_notes_group ON paging_notes (group_id, id);
-- Messages, one a recipient. Kept for two years.
CREATE TABLE paging_messages (
  id {id}, dedup {text} NOT NULL UNIQUE, what {text} NOT NULL, group_id {int} NOT NULL, page_id {int} NOT NULL, step {int} NOT NULL,
  round {int} NOT NULL, user_id {int} NOT NULL, lane {text} NOT NULL, address {text} NOT NULL, label {text} NOT NULL, contact {int} NOT NULL,
  subject {text} NOT NULL, lines {text} NOT NULL, severity {text} NOT NULL, team_id {int}, place_id {int}, state {text} NOT NULL,
  attempts {int} NOT NULL, answer {text} NOT NULL, at {int} NOT NULL, send_at {int} NOT NULL, sent_at {int} NOT NULL
) {strict};
CREATE INDEX paging_messages_lane ON paging_messages (lane, state, send_at);
CREATE INDEX paging_messages_group ON paging_messages (group_id, id);
CREATE INDEX paging_messages_user ON paging_messages (user_id, id);
CREATE INDEX paging_messages_state ON paging_messages (state, id);
CREATE INDEX paging_messages_at ON paging_messages (at);
-- What the other side answered to each try. Kept as long as the message.
CREATE TABLE paging_attempts (
  id {id}, message_id {int} NOT NULL, at {int} NOT NULL, attempt {int} NOT NULL, ok {int} NOT NULL, answer {text} NOT NULL
) {strict};
CREATE INDEX paging_attempts_message ON paging_attempts (message_id, id);
-- How the ways out stand: failures, the last test, who heard that it fails. Kept until the channel is removed.
CREATE TABLE paging_lanes (
  lane {text} NOT NULL PRIMARY KEY, failing_since {int} NOT NULL, failures {int} NOT NULL, retry_at {int} NOT NULL, answer {text} NOT NULL,
  seen_at {int} NOT NULL, test_day {text} NOT NULL, tested_at {int} NOT NULL, test_ok {int} NOT NULL
) {strict};
-- The last calls of the dead-man's switch. Kept as long as the address is set.
CREATE TABLE paging_beats (
  url {text} NOT NULL PRIMARY KEY, at {int} NOT NULL, ok {int} NOT NULL, answer {text} NOT NULL
) {strict};
