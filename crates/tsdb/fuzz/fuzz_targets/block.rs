//! Any bytes, found as a block of samples and as one of roll-ups: the store opens and answers reads, or names the version.
//! Take `tests/golden` as the first corpus: without a right checksum little is reached.
#![no_main]

use std::cell::OnceCell;
use tsdb::{Limits, Options, Store};

thread_local! {
    static DIR: OnceCell<tempfile::TempDir> = const { OnceCell::new() };
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    DIR.with(|dir| {
        let dir = dir.get_or_init(|| tempfile::tempdir().expect("a temporary folder"));
        let blocks = dir.path().join("blocks");
        std::fs::remove_dir_all(dir.path().join("head")).ok();
        std::fs::create_dir_all(&blocks).expect("a folder");
        for name in ["001700006400000-001700020800000-0003.block", "001700006400000-001700020800000-0004.5m.block"] {
            std::fs::write(blocks.join(name), bytes).expect("a block");
        }
        if let Ok(store) = Store::open(dir.path(), Options::default(), 1_700_020_800_000) {
            let limits = Limits { bytes: 64 << 20, ..Limits::default() };
            let _ = store.select(&[], 0, i64::MAX, limits);
            let _ = store.select_rollup(&[], (0, i64::MAX), 300_000, limits);
        }
    });
});
