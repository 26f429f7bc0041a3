//! Samples that were accepted come back, from head and blocks.
use tsdb::*;

#[test]
fn samples_come_back_from_head_and_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Options::default(), 1_700_000_000_000).unwrap();
    let id = store.register("s", &[("__name__", "a")]).unwrap();
    for n in 0..2000 {
        let at = 1_700_000_000_000 + n * 15_000;
        store.maintain(at).unwrap();
        assert_eq!(store.append("s", at, &[(id, n as f64)]).unwrap().accepted, 1);
    }
    let all = store.select(&[Matcher::metric("a")], 0, i64::MAX, Limits::default()).unwrap();
    assert_eq!(all[0].points.len(), 2000);
}
