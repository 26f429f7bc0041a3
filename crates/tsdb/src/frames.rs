//! Frames: compressed, checked pieces of a file that is only ever appended to.
//!
//! A file is 8 bytes of magic, a `u16` version, then frames: `u32` length, `u32` length once decompressed, `u32` CRC-32
//! of the two lengths and the bytes, and the bytes (zstd). All numbers little-endian.

use crate::error::{Error, Result};
use crate::wire::Cursor;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// The batch log.
pub(crate) const LOG_MAGIC: [u8; 8] = *b"mtsd-log";
/// The snapshot of the head.
pub(crate) const SNAPSHOT_MAGIC: [u8; 8] = *b"mtsdsnap";
/// The version of both that this program writes; it reads the older ones too. Version 2 has records of late samples and the
/// time of a series' first sample, version 3 columns of few bits in sealed rows.
pub(crate) const VERSION: u16 = 3;

const FRAME_BYTES_MAX: u32 = 256 << 20;
const FILE_HEAD_BYTES: u64 = 10;
const FRAME_HEAD_BYTES: usize = 12;
/// What the packed bytes of every frame begin with.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The first bytes of a file of frames.
pub(crate) fn file_head(magic: [u8; 8]) -> Vec<u8> {
    let mut head = magic.to_vec();
    head.extend_from_slice(&VERSION.to_le_bytes());
    head
}

/// `raw` as one frame.
pub(crate) fn frame(raw: &[u8], zstd: &mut zstd::bulk::Compressor<'static>) -> std::io::Result<Vec<u8>> {
    let too_long = |_| std::io::Error::other("a frame of the log would be too long");
    let packed = zstd.compress(raw)?;
    let length = u32::try_from(packed.len()).map_err(too_long)?.to_le_bytes();
    let raw_length = u32::try_from(raw.len()).map_err(too_long)?.to_le_bytes();
    let mut out = Vec::with_capacity(packed.len() + 12);
    out.extend_from_slice(&length);
    out.extend_from_slice(&raw_length);
    out.extend_from_slice(&checksum(length, raw_length, &packed).to_le_bytes());
    out.extend_from_slice(&packed);
    Ok(out)
}

fn checksum(length: [u8; 4], raw_length: [u8; 4], packed: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&length);
    crc.update(&raw_length);
    crc.update(packed);
    crc.finalize()
}

/// How a file of frames ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ending {
    /// Places where frames are wrong; after each, reading went on with the next sound frame.
    pub(crate) damaged: u64,
    /// The last frame (or the head of the file) is cut short: what a crash leaves. Where the sound part before it ends.
    pub(crate) torn: Option<u64>,
}

/// Hands the content of every sound frame to `each`, which answers `None` if it can make nothing of it. What is damaged
/// is skipped up to the next sound frame, a torn tail ends the file. Fails if the file cannot be read or is of a newer
/// version.
pub(crate) fn read(path: &Path, magic: [u8; 8], mut each: impl FnMut(&[u8]) -> Option<()>) -> Result<Ending> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    let mut left = file.metadata().map_err(Error::io("look at", path))?.len();
    let length = left;
    let mut file = BufReader::with_capacity(1 << 16, file);
    let mut ending = Ending::default();
    let Some(head) = take(&mut file, &mut left, FILE_HEAD_BYTES).map_err(Error::io("read", path))? else {
        return Ok(Ending { torn: Some(0), ..ending });
    };
    match head.strip_prefix(&magic).and_then(|rest| Cursor::new(rest).u16()) {
        Some(1..=VERSION) => {}
        Some(version) if version > VERSION => return Err(Error::NewerVersion { path: path.to_owned(), version }),
        _ => return Ok(Ending { damaged: 1, ..ending }),
    }
    while left > 0 {
        let start = length - left;
        let read = next(&mut file, &mut left).map_err(Error::io("read", path))?;
        if let Met::Sound(raw) = &read {
            ending.damaged += u64::from(each(raw).is_none());
            continue;
        }
        // The length itself may be what is wrong, so the next frame is looked for.
        let Some(found) = resume(&mut file, start + 1).map_err(Error::io("read", path))? else {
            match read {
                Met::Short => ending.torn = Some(start),
                _ => ending.damaged += 1,
            }
            return Ok(ending);
        };
        ending.damaged += 1;
        left = length - found;
    }
    Ok(ending)
}

/// What was read where a frame should be.
enum Met {
    /// The content of a frame.
    Sound(Vec<u8>),
    /// All of it is there, and it is wrong.
    Wrong,
    /// The file ends before it does.
    Short,
}

fn next(file: &mut impl Read, left: &mut u64) -> std::io::Result<Met> {
    let Some(head) = take(file, left, FRAME_HEAD_BYTES as u64)? else { return Ok(Met::Short) };
    let mut cursor = Cursor::new(&head);
    let Some(length) = cursor.u32() else { return Ok(Met::Short) };
    let Some(packed) = take(file, left, u64::from(length))? else { return Ok(Met::Short) };
    Ok(unpack(&head, &packed).map_or(Met::Wrong, Met::Sound))
}

/// The content of a frame, if it is sound.
fn unpack(head: &[u8], packed: &[u8]) -> Option<Vec<u8>> {
    let mut cursor = Cursor::new(head);
    let (length, raw_length, crc) = (cursor.u32()?, cursor.u32()?, cursor.u32()?);
    let sound =
        raw_length <= FRAME_BYTES_MAX && crc == checksum(length.to_le_bytes(), raw_length.to_le_bytes(), packed);
    sound.then(|| zstd::bulk::decompress(packed, raw_length as usize).ok()).flatten()
}

/// Looks for the next sound frame at or after `from`, and goes there.
fn resume(file: &mut (impl Read + Seek), from: u64) -> std::io::Result<Option<u64>> {
    file.seek(SeekFrom::Start(from))?;
    let mut rest = Vec::new();
    file.read_to_end(&mut rest)?;
    let sound = |at: &usize| {
        let frame = rest.get(*at..)?;
        let (head, after) = frame.split_at_checked(FRAME_HEAD_BYTES)?;
        let length = Cursor::new(head).u32()? as usize;
        after.get(..length).filter(|packed| packed.starts_with(&ZSTD_MAGIC) && unpack(head, packed).is_some())
    };
    let Some(at) = (0..rest.len()).find(|at| sound(at).is_some()) else { return Ok(None) };
    let found = from + at as u64;
    file.seek(SeekFrom::Start(found))?;
    Ok(Some(found))
}

/// The next `count` bytes; `None`, and nothing allocated, if the file has fewer left.
fn take(file: &mut impl Read, left: &mut u64, count: u64) -> std::io::Result<Option<Vec<u8>>> {
    let Some(after) = left.checked_sub(count) else { return Ok(None) };
    *left = after;
    let mut bytes = vec![0; usize::try_from(count).map_err(std::io::Error::other)?];
    file.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}
