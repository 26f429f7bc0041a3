-- The hardware addresses a machine named when it enrolled, as a JSON list: kept as signs of its thing once it is let in.
ALTER TABLE fleet_agents ADD COLUMN macs {text} NOT NULL DEFAULT '[]';
