//! Too many pushed series: who sends them and by which label is said where people look, until it is over.

use kernel::time::HOUR;
use kernel::{Actor, Clock, Handle};
use serde_json::{Value, json};

use crate::restart::{call, open};

fn needs(kernel: &Handle) -> Vec<(String, String)> {
    monitor::tell_of_floods(kernel).unwrap();
    let needs = kernel.read_as(&Actor::os("ada"), |cx| cx.attention(50)).unwrap();
    needs.into_iter().filter(|need| need.title.contains("pushes")).map(|need| (need.title, need.why)).collect()
}

#[test]
fn a_flood_of_pushed_series_needs_somebody_and_names_the_sender_and_the_label() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::fake(kernel::world::START);
    let name = format!("mainstay_monitor_floods_{}", std::process::id());
    {
        let kernel = open(folder.path(), &clock, &name);
        let setting = json!({"key": "monitor.series", "value": {"series_max": 1_000}});
        let mut set =
            kernel::Call::new(std::sync::Arc::new(Actor::os("ada")), "kernel.setting.set", setting, kernel::Via::Cli);
        set.confirmed = true;
        kernel.dispatch(set).unwrap();
        kernel.shut_down();
    }
    let kernel = open(folder.path(), &clock, &name);
    assert_eq!(needs(&kernel), []);
    let samples: Vec<Value> = (0..600)
        .map(|n| json!({"metric": "hits", "labels": {"path": format!("/{n}"), "site": "oslo"}, "value": 1}))
        .collect();
    let written = call(&kernel, "monitor.metrics.write", json!({"samples": samples}));
    assert_eq!((&written["stored"], &written["refused"]), (&json!(500), &json!(100)));
    let because = written["because"].as_str().unwrap();
    assert!(
        because.contains("the sender is ada") && because.contains("\"path\" takes the most values: 600"),
        "{because}"
    );
    let found = needs(&kernel);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "Series that ada pushes are refused");
    assert!(found[0].1.starts_with("The label \"path\" takes the most values"), "{found:?}");
    clock.advance(2 * HOUR);
    assert_eq!(needs(&kernel), [], "nothing was refused for an hour");
    kernel.shut_down();
}
