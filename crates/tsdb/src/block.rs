//! Blocks: immutable files that hold a span of samples (or of roll-ups) with everything needed to read it. README.md has
//! the format.

mod directory;
mod name;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use directory::{Block, Directories};
pub(crate) use name::{BlockName, is_class};
pub(crate) use read::{BlockFile, BlockSeries, Group};
pub(crate) use write::{BlockWriter, GroupPlan};

use crate::codec::Packing;

/// Rows of a page; the last page of a group has what is left.
pub(crate) const PAGE_ROWS: usize = 480;

/// First and last eight bytes of a block.
pub(crate) const MAGIC: [u8; 8] = *b"mtsdblk\n";

/// The version of blocks that are cut from the head.
pub(crate) const VERSION_CUT: u16 = 1;

/// The newest version: blocks made of other blocks. The directory begins with what they were made of, and pages of
/// roll-ups have no summary.
pub(crate) const VERSION: u16 = 2;

pub(crate) const HEADER_BYTES: usize = 16;
pub(crate) const FOOTER_BYTES: usize = 64;

/// A directory or an index larger than this, decompressed, is damage.
pub(crate) const INDEX_BYTES_MAX: u32 = 256 << 20;

/// What a series' values in a file are: samples as they came. The codes of roll-ups are one more than
/// [`Aggregate`](crate::Aggregate); a reader skips codes it does not know.
pub(crate) const ROLE_SAMPLES: u8 = 0;

/// What a block was made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lineage {
    /// Names of blocks that this one holds all of: they may be deleted.
    pub(crate) replaces: Vec<String>,
    /// Names of blocks whose samples this one's roll-ups hold.
    pub(crate) covers: Vec<String>,
}

/// Where a page lies and how it is packed. The payload is followed by its CRC-32 (4 bytes); a page without payload has
/// neither.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub(crate) packing: Packing,
    pub(crate) offset: u64,
    pub(crate) length: u32,
}
