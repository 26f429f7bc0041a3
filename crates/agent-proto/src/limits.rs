//! Every limit of a frame, in one place. A frame beyond one of them is refused, never cut.

/// Most bytes of a frame on the wire, compressed or not.
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;
/// Most bytes of a body after decompression.
pub const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bodies shorter than this are sent as they are.
pub const COMPRESS_FROM_BYTES: usize = 256;
/// Most facts set, or removed, by one message.
pub const FACTS_MAX: usize = 20_000;
/// Most series registered by one message.
pub const SERIES_MAX: usize = 4_096;
/// Most labels of one series.
pub const LABELS_MAX: usize = 24;
/// Most samples in one message.
pub const SAMPLES_MAX: usize = 8_192;
/// Most results, or checks, in one message.
pub const CHECKS_MAX: usize = 1_024;
/// Most bytes of evidence beside a check result.
pub const EVIDENCE_BYTES_MAX: usize = 2_048;
/// Most bytes of one look in words.
pub const LOOK_BYTES_MAX: usize = 32 * 1024;
/// Most further numbers of one look.
pub const FIGURES_MAX: usize = 64;
/// Most bytes of output kept from a job: its tail.
pub const OUTPUT_BYTES_MAX: usize = 64 * 1024;
/// Most bytes of a short text: names, reasons, addresses.
pub const TEXT_BYTES_MAX: usize = 4_096;
/// Most bytes of a long text: one fact's value, a job's input, a request body.
pub const LONG_TEXT_BYTES_MAX: usize = 256 * 1024;
/// Most items of a short list: arguments, environment, addresses, header lines, certificates.
pub const ITEMS_MAX: usize = 256;
/// Most bytes of one certificate.
pub const CERTIFICATE_BYTES_MAX: usize = 16 * 1024;
/// Most bytes of a job before its signature.
pub const JOB_BYTES_MAX: usize = 512 * 1024;
/// Most actions in one approved plan.
pub const PLAN_MAX: usize = 4_096;
/// Most bytes of one part of a release's program.
pub const PART_BYTES_MAX: usize = 128 * 1024;
/// Most bytes of a release's program.
pub const RELEASE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Most bytes of the text of a signed release.
pub const RELEASE_TEXT_BYTES_MAX: usize = 2_048;
