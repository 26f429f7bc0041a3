-- The user who made an override, whom a name does not tell for sure; none for the command line, and for overrides made before.
ALTER TABLE people_rota_overrides ADD COLUMN made_by_user {int} REFERENCES people_users (id);
-- What came of the last calendar that was taken (JSON: when, by whom, counts, what was left out). Kept until the next one.
ALTER TABLE people_rotas ADD COLUMN imported {text};
