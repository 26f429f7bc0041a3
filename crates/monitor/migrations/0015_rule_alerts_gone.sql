-- Alerts of deleted rules are marked, so that taking them away looks at no others.
UPDATE monitor_rule_alerts SET phase = 'gone' WHERE NOT EXISTS (SELECT 1 FROM monitor_rules r WHERE r.id = monitor_rule_alerts.rule_id);
