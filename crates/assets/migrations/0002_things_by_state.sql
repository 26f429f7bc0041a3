-- Views by status, by criticality, by kind and by when the agent was last heard read a range instead of every thing.
CREATE INDEX assets_things_by_status ON assets_things (status, name, id);
CREATE INDEX assets_things_by_criticality ON assets_things (criticality, name, id);
CREATE INDEX assets_things_by_kind ON assets_things (kind, name, id);
CREATE INDEX assets_things_by_hearing ON assets_things (status, last_seen_at);
