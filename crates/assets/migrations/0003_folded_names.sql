-- What words are looked for in, lower case by the rules of Unicode, which no engine has by itself. Empty until the next start fills it.
ALTER TABLE assets_things ADD COLUMN folded {text};
CREATE INDEX assets_things_unfolded ON assets_things (id) WHERE folded IS NULL;
