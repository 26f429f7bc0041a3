//! Things, their facts, identity, relations and timeline.
