//! Blocks: immutable files that hold one window of samples with everything needed to read it. README.md has the format.

mod read;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use read::{Block, BlockFile, Group, TimePage};
pub(crate) use write::{BlockWriter, GroupPlan};

use crate::codec::Packing;

/// Rows of a page; the last page of a group has what is left.
pub(crate) const PAGE_ROWS: usize = 480;

/// First and last eight bytes of a block.
pub(crate) const MAGIC: [u8; 8] = *b"mtsdblk\n";

/// The version of the block format that this program writes.
pub(crate) const VERSION: u16 = 1;

pub(crate) const HEADER_BYTES: usize = 16;
pub(crate) const FOOTER_BYTES: usize = 64;

/// A directory or an index larger than this, decompressed, is damage.
pub(crate) const INDEX_BYTES_MAX: u32 = 256 << 20;

/// What a series' values in this file are. Only raw samples for now; the roll-ups of later tiers take other codes, and a
/// reader skips codes it does not know.
pub(crate) const ROLE_SAMPLES: u8 = 0;

/// Where a page lies and how it is packed. The payload is followed by its CRC-32 (4 bytes); a page without payload has
/// neither.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub(crate) packing: Packing,
    pub(crate) offset: u64,
    pub(crate) length: u32,
}
