-- Positions are looked up and walked through one plain index. With the partial one "above 0" and "above the cursor" were
-- both lower bounds, and SQLite walked from the wrong one: the whole table at every round of the relay.
DROP INDEX kernel_events_unnumbered;
DROP INDEX kernel_events_position;
CREATE INDEX kernel_events_position ON kernel_events (position);
-- Who sees an entry of the attention list is decided by its grant.
DROP INDEX kernel_attention_weight;
CREATE INDEX kernel_attention_seen ON kernel_attention ("grant", team_id, user_id);
-- Each commit adds a segment to the full text; merging sixteen at a time costs a fifth less of a write than four at a time.
--sqlite|INSERT INTO kernel_search (kernel_search, rank) VALUES ('automerge', 16);
