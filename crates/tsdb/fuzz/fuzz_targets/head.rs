//! Any bytes, found as a log and as a snapshot: the store opens, answers reads and takes samples, or names the version.
#![no_main]

use std::cell::OnceCell;
use tsdb::{Limits, Options, Store};

thread_local! {
    static DIR: OnceCell<tempfile::TempDir> = const { OnceCell::new() };
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    DIR.with(|dir| {
        let dir = dir.get_or_init(|| tempfile::tempdir().expect("a temporary folder"));
        let head = dir.path().join("head");
        std::fs::remove_dir_all(&head).ok();
        std::fs::create_dir_all(&head).expect("a folder");
        for name in ["000000000001.snapshot", "000000000001.log"] {
            std::fs::write(head.join(name), bytes).expect("a file of the head");
        }
        let now_ms = 1_700_000_000_000;
        if let Ok(store) = Store::open(dir.path(), Options::default(), now_ms) {
            let _ = store.select(&[], 0, i64::MAX, Limits::default());
            let id = store.register("s", &[("__name__", "x")]);
            let _ = id.and_then(|id| store.append("s", now_ms, &[(id, 1.0)]));
        }
    });
});
