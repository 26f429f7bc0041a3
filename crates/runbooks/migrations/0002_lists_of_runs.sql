-- Lists of runs by check, state, place and owner, newest first. The index by state serves what the partial one served.
DROP INDEX runbooks_runs_active;
CREATE INDEX runbooks_runs_state ON runbooks_runs (state, id);
CREATE INDEX runbooks_runs_check ON runbooks_runs (check_id, id);
CREATE INDEX runbooks_runs_place ON runbooks_runs (place_id, id);
CREATE INDEX runbooks_runs_owner ON runbooks_runs (owner_id, id);
