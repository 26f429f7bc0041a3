//! Any text as a regular expression of a matcher: refused, or asked in bounded time.
#![no_main]

use tsdb::{Limits, Matcher, Options, Store};

thread_local! {
    static STORE: (tempfile::TempDir, Store) = {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(dir.path(), Options::default(), 1_700_000_000_000).expect("a store");
        for site in ["", "a", "b", "web-1", "web-2", "Zürich", "x.y", "line\nend"] {
            let id = store.register("s", &[("__name__", "up"), ("site", site)]).expect("a series");
            let _ = store.append("s", 1_700_000_000_000, &[(id, 1.0)]).expect("a sample");
        }
        (dir, store)
    };
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    STORE.with(|(_, store)| {
        let (is, not) = (Matcher::matching("site", text), Matcher::unlike("site", text));
        let count = |matcher| store.series(&[matcher], (i64::MIN, i64::MAX), Limits::default()).map_or(0, |all| all.len());
        if let (Ok(is), Ok(not)) = (is, not) {
            assert_eq!(count(is) + count(not), 8);
        }
    });
});
