//! Says at the end of the test command what it left out, so that nobody takes silence for proof.

#[expect(clippy::print_stdout, reason = "this is what it is for")]
fn main() {
    if std::env::var("MAINSTAY_TEST_POSTGRES").is_ok_and(|url| !url.is_empty()) {
        println!("ran on PostgreSQL");
    } else {
        println!("left out: the same suites on PostgreSQL (set MAINSTAY_TEST_POSTGRES to a connection string)");
    }
    for engine in ["victoria-metrics", "prometheus"] {
        if !std::path::Path::new("/usr/bin").join(engine).is_file() {
            println!("left out: the test against {engine} (apt-get install {engine})");
        }
    }
    println!("left out: the browser tests (npm ci && npm test in tests/web; needs Node and Chromium)");
}
