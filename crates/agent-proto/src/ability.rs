//! What an agent understands beyond what every agent of version 1 does, as words of its greeting.

/// It takes `Look`: checks to be looked at once more, at once.
pub const LOOK: &str = "look";
/// It takes `Update` and `Part`, and updates itself.
pub const UPDATE: &str = "update";
/// All that this version of the protocol names.
pub const ALL: [&str; 2] = [LOOK, UPDATE];
