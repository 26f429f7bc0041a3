-- Lists of jobs by agent and by state, newest first.
CREATE INDEX fleet_jobs_agent ON fleet_jobs (agent_row, id);
CREATE INDEX fleet_jobs_state ON fleet_jobs (state, id);
