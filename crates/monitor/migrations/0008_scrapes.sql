-- Scrape jobs: where targets come from, how they are asked, what is kept. Kept until deleted.
CREATE TABLE monitor_scrapes (
  id {id}, name {text} NOT NULL UNIQUE, spec {text} NOT NULL, paused {int} NOT NULL, version {int} NOT NULL, created_at {int} NOT NULL,
  updated_at {int} NOT NULL
) {strict};
