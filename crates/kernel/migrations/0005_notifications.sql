-- Messages to people and other programs, one row a recipient. Kept for 90 days.
CREATE TABLE kernel_notifications (
  id {id}, at {int} NOT NULL, actor {text} NOT NULL, channel {text} NOT NULL, recipient {text} NOT NULL, subject {text} NOT NULL, body {text} NOT NULL,
  kind {text} NOT NULL, ref_id {int} NOT NULL, state {text} NOT NULL, send_at {int} NOT NULL, undoable {int} NOT NULL
) {strict};
CREATE INDEX kernel_notifications_about ON kernel_notifications (kind, ref_id, id);
CREATE INDEX kernel_notifications_state ON kernel_notifications (state, id);
CREATE INDEX kernel_notifications_at ON kernel_notifications (at);
-- What the other side answered to each try. Kept as long as the message.
CREATE TABLE kernel_deliveries (
  id {id}, notification_id {int} NOT NULL, at {int} NOT NULL, attempt {int} NOT NULL, ok {int} NOT NULL, answer {text} NOT NULL
) {strict};
CREATE INDEX kernel_deliveries_notification ON kernel_deliveries (notification_id, id);
