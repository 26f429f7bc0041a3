-- Approvals that were asked for, and what became of them. Kept for seven years.
CREATE TABLE kernel_approvals (
  id {id}, kind {text} NOT NULL, ref_id {int} NOT NULL, title {text} NOT NULL, detail {text} NOT NULL, plan_hash {text} NOT NULL,
  requires {text} NOT NULL, team_id {int}, requested_by {text} NOT NULL, requested_name {text} NOT NULL, requested_at {int} NOT NULL,
  expires_at {int} NOT NULL, state {text} NOT NULL, decided_by {text} NOT NULL, decided_name {text} NOT NULL, decided_at {int} NOT NULL,
  comment {text} NOT NULL, operation {text} NOT NULL, input {text} NOT NULL, outcome {text} NOT NULL
) {strict};
CREATE INDEX kernel_approvals_pending ON kernel_approvals (expires_at) WHERE state = 'pending';
CREATE INDEX kernel_approvals_subject ON kernel_approvals (kind, ref_id, id);
CREATE INDEX kernel_approvals_state ON kernel_approvals (state, id);
