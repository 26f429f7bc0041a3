-- What waits on a way out is walked through in the order it was written, when nothing passes there.
CREATE INDEX paging_messages_waiting ON paging_messages (lane, id) WHERE state = 'waiting';
