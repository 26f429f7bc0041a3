-- What an import said of a scrape job, as a digest, so that the same file changes nothing and a changed one replaces it; empty for jobs made by hand.
ALTER TABLE monitor_scrapes ADD COLUMN imported {text} NOT NULL DEFAULT '';
