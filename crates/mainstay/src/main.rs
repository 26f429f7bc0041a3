//! The `mainstay` program.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    // The collector of this machine's agent needs nothing of the command line, which is large.
    if let Some(ended) = agent::collect() {
        return mainstay::cli::ended(&ended.map_err(|error| error.to_string()));
    }
    mainstay::cli::run(std::env::args_os())
}
