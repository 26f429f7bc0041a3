//! Any text, evaluated over a few series with a small budget: an answer or an error.
#![no_main]

use promql::{Labels, MemorySource, Options, When, query};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let mut source = MemorySource::new();
    for (name, le) in [("a", "1"), ("a", "+Inf"), ("b_total", "1")] {
        let labels = Labels::from_pairs([("__name__", name), ("le", le)]);
        for step in 0..20 {
            let value = [step as f64, f64::NAN, f64::INFINITY][usize::from(step % 7 == 3) * (step as usize % 3)];
            source.push(&labels, step * 30_000, value);
        }
    }
    let options = Options { experimental: true, memory_bytes_max: 1 << 20, threads: 1, ..Options::default() };
    let _ = query(text, &source, When::Instant(300_000), &options);
    let _ = query(text, &source, When::Range { start_ms: 0, end_ms: 600_000, step_ms: 60_000 }, &options);
});
