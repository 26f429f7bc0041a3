//! A sealed run of at most 80 rows of one source, in memory: the middle stage between an open row and a block.
//!
//! A row is one moment at which a source was sampled. All columns share the times; a column that has no value in some
//! rows says in which with a mask.

mod open;

pub(crate) use open::Open;

use crate::codec::{self, Packing};
use crate::wire::{Cursor, put_bytes, put_f64, put_signed, put_varint};

use open::OpenValues;

/// Rows of a chunk: fewer pack worse, more leave more memory open.
pub(crate) const CHUNK_ROWS: usize = 80;

/// Rows that stay open when a chunk is sealed: what a rule or a panel asks about most (five minutes at fifteen seconds) is
/// read without unpacking.
pub(crate) const KEPT_ROWS: usize = 20;

/// Most rows of a chunk in a snapshot: what a mask can number.
const MASK_ROWS: usize = 127;

/// An open column grows by this.
pub(crate) const GROWTH_ROWS: usize = 20;

/// Where a series' values lie within a chunk's bytes.
#[derive(Clone, Copy, Debug)]
struct Column {
    slot: u32,
    end: u32,
}

/// Sealed rows; never changed.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    rows: usize,
    times: Packing,
    times_end: u32,
    /// Sorted by slot.
    columns: Box<[Column]>,
    /// The times, then each column: a byte (packing, and whether a mask follows), the mask, the values.
    bytes: Box<[u8]>,
}

const MASKED: u8 = 0x80;

impl Chunk {
    /// Seals the rows at `times` (1 to 127), the first ones of `open`, whose columns come in order of slot.
    /// `pack` packs the values of a column.
    pub(crate) fn seal<'a>(
        times: &[i64],
        open: impl Iterator<Item = (u32, &'a Open)>,
        pack: fn(&[f64], &mut Vec<u8>) -> Packing,
    ) -> Option<Self> {
        let (first_ms, last_ms) = (*times.first()?, *times.last()?);
        let mut bytes = Vec::new();
        let packing = if codec::is_regular(times) { Packing::Even } else { codec::pack_times(times, &mut bytes) };
        let times_end = u32::try_from(bytes.len()).ok()?;
        let full = low_bits(times.len());
        let mut columns = Vec::new();
        for (slot, open) in open.filter(|(_, open)| open.mask & full != 0) {
            let head = bytes.len();
            bytes.push(0);
            let rows = open.mask & full;
            let mask = if rows == full { 0 } else { MASKED };
            if mask != 0 {
                bytes.extend_from_slice(&rows.to_le_bytes());
            }
            let packing = pack_open(&open.values, rows.count_ones() as usize, &mut bytes, pack);
            if let Some(byte) = bytes.get_mut(head) {
                *byte = packing.code() | mask;
            }
            columns.push(Column { slot, end: u32::try_from(bytes.len()).ok()? });
        }
        let (columns, bytes) = (columns.into(), bytes.into());
        Some(Self { first_ms, last_ms, rows: times.len(), times: packing, times_end, columns, bytes })
    }

    /// Bytes of memory.
    pub(crate) fn size_bytes(&self) -> usize {
        size_of::<Self>() + self.columns.len() * size_of::<Column>() + self.bytes.len()
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn times(&self) -> Option<Vec<i64>> {
        match self.times {
            Packing::Even => codec::regular_times(self.first_ms, self.last_ms, self.rows),
            packing => codec::unpack_times(packing, self.bytes.get(..self.times_end as usize)?, self.rows),
        }
    }

    pub(crate) fn slots(&self) -> impl Iterator<Item = u32> {
        self.columns.iter().map(|column| column.slot)
    }

    /// The mask and the bytes after it of a series; `None` if it has no value here.
    fn column(&self, slot: u32) -> Option<(u128, Packing, &[u8])> {
        let at = self.columns.binary_search_by_key(&slot, |column| column.slot).ok()?;
        let start = at.checked_sub(1).and_then(|before| self.columns.get(before)).map_or(self.times_end, |c| c.end);
        let bytes = self.bytes.get(start as usize..self.columns.get(at)?.end as usize)?;
        let mut cursor = Cursor::new(bytes);
        let head = cursor.u8()?;
        let mask = if head & MASKED == 0 { low_bits(self.rows) } else { cursor.u128()? };
        let rest = bytes.get(if head & MASKED == 0 { 1 } else { 17 }..)?;
        if mask & !low_bits(self.rows) != 0 {
            return None;
        }
        Some((mask, Packing::from_code(head & !MASKED)?, rest))
    }

    /// In which rows a series has a value.
    pub(crate) fn mask(&self, slot: u32) -> u128 {
        self.column(slot).map_or(0, |(mask, _, _)| mask)
    }

    /// Adds the values of a series in the rows of its mask to `out`; answers the mask, or `None`, and nothing added, if
    /// there is no value or it is damaged.
    pub(crate) fn values(&self, slot: u32, out: &mut Vec<f64>) -> Option<u128> {
        let (mask, packing, bytes) = self.column(slot)?;
        let count = mask.count_ones() as usize;
        match packing {
            Packing::Even => out.resize(out.len() + count, Cursor::new(bytes).f64()?),
            packing => codec::unpack_values(packing, bytes, count, out)?,
        }
        Some(mask)
    }

    /// The value of a series in a row.
    pub(crate) fn value(&self, slot: u32, row: usize) -> Option<f64> {
        let mut values = Vec::new();
        let mask = self.values(slot, &mut values)?;
        let has = mask >> row & 1 == 1;
        has.then(|| values.get((mask & low_bits(row)).count_ones() as usize).copied()).flatten()
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_signed(out, self.first_ms);
        put_signed(out, self.last_ms);
        put_varint(out, self.rows as u64);
        out.push(self.times.code());
        put_varint(out, u64::from(self.times_end));
        put_varint(out, self.columns.len() as u64);
        for column in &self.columns {
            put_varint(out, u64::from(column.slot));
            put_varint(out, u64::from(column.end));
        }
        put_bytes(out, &self.bytes);
    }

    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        let (first_ms, last_ms) = (cursor.signed()?, cursor.signed()?);
        let rows = usize::try_from(cursor.varint()?).ok().filter(|rows| (1..=MASK_ROWS).contains(rows))?;
        let times = Packing::from_code(cursor.u8()?)?;
        let times_end = cursor.varint32()?;
        let columns = (0..cursor.count()?)
            .map(|_| Some(Column { slot: cursor.varint32()?, end: cursor.varint32()? }))
            .collect::<Option<Box<[_]>>>()?;
        let bytes = cursor.bytes()?.into();
        columns.is_sorted_by(|a, b| a.slot < b.slot && a.end <= b.end).then_some(Self {
            first_ms,
            last_ms,
            rows,
            times,
            times_end,
            columns,
            bytes,
        })
    }
}

/// The mask of the first `rows` rows.
pub(crate) fn low_bits(rows: usize) -> u128 {
    1_u128.checked_shl(rows as u32).map_or(u128::MAX, |bit| bit - 1)
}

fn pack_open(
    values: &OpenValues,
    count: usize,
    bytes: &mut Vec<u8>,
    pack: fn(&[f64], &mut Vec<u8>) -> Packing,
) -> Packing {
    match values {
        OpenValues::Many(many) => {
            let values = many.get(..count).unwrap_or_default();
            match values.first() {
                Some(same) if codec::is_constant(values) => pack_constant(*same, bytes),
                _ => pack(values, bytes),
            }
        }
        OpenValues::Constant(same) => pack_constant(*same, bytes),
        OpenValues::None => Packing::Raw,
    }
}

fn pack_constant(value: f64, bytes: &mut Vec<u8>) -> Packing {
    put_f64(bytes, value);
    Packing::Even
}

/// The elements of `all` whose row is in `mask`, which numbers at most 128 rows.
pub(crate) fn masked<'a, T: Copy>(all: &'a [T], mask: u128) -> impl Iterator<Item = T> + 'a {
    all.iter()
        .enumerate()
        .filter(move |(row, _)| mask.checked_shr(*row as u32).unwrap_or(0) & 1 == 1)
        .map(|(_, one)| *one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_chunk_gives_back_times_masks_and_values() {
        let times = [1_000, 2_000, 3_500];
        let (mut full, mut gap, mut same) = (Open::default(), Open::default(), Open::default());
        for (row, value) in [1.5, 2.5, f64::NAN].into_iter().enumerate() {
            full.push(row, value);
            same.push(row, 7.0);
        }
        gap.push(2, 9.0);
        let chunk = Chunk::seal(
            &times,
            [(3, &full), (5, &Open::default()), (8, &gap), (9, &same)].into_iter(),
            codec::pack_values,
        )
        .unwrap();
        let mut out = Vec::new();
        chunk.write(&mut out);
        let chunk = Chunk::read(&mut Cursor::new(&out)).unwrap();
        assert_eq!(chunk.times().unwrap(), times);
        assert_eq!(chunk.slots().collect::<Vec<_>>(), [3, 8, 9]);
        let values = |slot| {
            let mut out = Vec::new();
            chunk.values(slot, &mut out).map(|_| out)
        };
        let back = values(3).unwrap();
        assert!(back[..2] == [1.5, 2.5] && back[2].to_bits() == f64::NAN.to_bits());
        assert_eq!((chunk.mask(8), values(8).unwrap()), (0b100, vec![9.0]));
        assert_eq!(values(9).unwrap(), vec![7.0; 3]);
        assert_eq!((chunk.mask(5), values(5)), (0, None));
        assert_eq!((chunk.value(8, 2), chunk.value(8, 1), chunk.value(3, 1)), (Some(9.0), None, Some(2.5)));
        assert_eq!(masked(&times, 0b101).collect::<Vec<_>>(), [1_000, 3_500]);
    }
}
