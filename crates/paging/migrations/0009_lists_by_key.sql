-- Who sees messages and escalations is read key by key. Messages that were not sent are few and are asked for by their state.
CREATE INDEX paging_messages_team ON paging_messages (team_id, id);
CREATE INDEX paging_messages_place ON paging_messages (place_id, id);
CREATE INDEX paging_messages_team_state ON paging_messages (team_id, state, id) WHERE state <> 'sent';
CREATE INDEX paging_messages_place_state ON paging_messages (place_id, state, id) WHERE state <> 'sent';
CREATE INDEX paging_messages_user_page ON paging_messages (user_id, page_id, what);
CREATE INDEX paging_pages_team ON paging_pages (team_id, id);
CREATE INDEX paging_pages_place ON paging_pages (place_id, id);
-- What an alert group is about is in its facts.
ALTER TABLE paging_groups DROP COLUMN severity;
ALTER TABLE paging_groups DROP COLUMN team_id;
ALTER TABLE paging_groups DROP COLUMN place_id;
ALTER TABLE paging_groups DROP COLUMN asset_id;
-- The day of a test is part of its message's key.
ALTER TABLE paging_lanes DROP COLUMN test_day;
-- The last calls of the dead-man's switch, by the hash of the address, which is a secret. Kept until the address is not in
-- the setting any more.
DROP TABLE paging_beats;
CREATE TABLE paging_beats (
  url_hash {text} NOT NULL PRIMARY KEY, at {int} NOT NULL, ok {int} NOT NULL, answer {text} NOT NULL
) {strict};
