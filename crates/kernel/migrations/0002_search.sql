-- What can be searched for. A row goes with the thing it is about.
CREATE TABLE kernel_search_documents (
  id {id}, kind {text} NOT NULL, ref_id {int} NOT NULL, title {text} NOT NULL, at {int} NOT NULL,
  words {text} NOT NULL, scopes {text} NOT NULL,
--postgres|  vector TSVECTOR NOT NULL DEFAULT '',
  UNIQUE (kind, ref_id)
) {strict};
--sqlite|CREATE VIRTUAL TABLE kernel_search USING fts5(words, scopes, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2');
--postgres|CREATE INDEX kernel_search_words ON kernel_search_documents USING GIN (vector);
