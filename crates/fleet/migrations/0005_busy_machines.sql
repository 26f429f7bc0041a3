-- When a machine had the whole program of a rollout, to be tried at its next idle moment; 0 before that. One that finds none
-- for long does not hold up the others.
ALTER TABLE fleet_rollout_agents ADD COLUMN ready_at {int} NOT NULL DEFAULT 0;
UPDATE fleet_rollout_agents SET ready_at = offered_at WHERE state = 'trying';
