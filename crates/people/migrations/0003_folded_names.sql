-- What words are looked for in, lower case by the rules of Unicode, which no engine has by itself. Empty until the next start fills it.
ALTER TABLE people_users ADD COLUMN folded {text};
CREATE INDEX people_users_unfolded ON people_users (id) WHERE folded IS NULL;
ALTER TABLE people_places ADD COLUMN folded {text};
CREATE INDEX people_places_by_folded ON people_places (folded);
