//! Any bytes, read as a frame of either side: an error or a message, never a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = agent_proto::decode::<agent_proto::FromAgent>(bytes);
    let _ = agent_proto::decode::<agent_proto::FromServer>(bytes);
});
