//! Few numbers in few bits, for sealed rows in memory: decimals become whole numbers, whole numbers become steps or
//! distances from the smallest, and these take as many bits as the largest of them needs.
//!
//! pco finds more, but spends microseconds on the tables of each column before its first number; eighty values are packed
//! here in a tenth of that and unpacked in a fiftieth, and take no more room. Numbers that are no decimals are left to pco.

use crate::wire::{Cursor, put_signed};

/// The powers of ten that turn decimals into whole numbers.
const SCALES: [f64; 10] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// Adding and taking away this rounds to a whole number, below the limit.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
const WHOLE_MAX: f64 = 2_251_799_813_685_248.0;

/// Most bits of one number, so that eight bytes hold it wherever it begins.
const WIDTH_MAX: u32 = 56;
/// Packing takes at most this many bits a number; what needs more is left to pco.
const WIDTH_WORTH: u32 = 40;

/// In the first byte: the numbers are steps from one to the next.
const STEPS: u8 = 0x10;
const SCALE: u8 = 0x0f;

/// Appends `values` (at least one), if they are decimals that fit; answers false, and nothing is appended, if not.
pub(crate) fn pack(values: &[f64], out: &mut Vec<u8>) -> bool {
    let mut whole = Vec::with_capacity(values.len());
    let Some(scale) = to_whole(values, &mut whole) else { return false };
    let steps = || whole.iter().zip(whole.iter().skip(1)).map(|(a, b)| b - a);
    let (spread, change) = (Frame::of(whole.iter().copied()), Frame::of(steps()));
    let first = whole.first().copied().unwrap_or(0);
    let is_stepwise = change.width < spread.width;
    let frame = if is_stepwise { change } else { spread };
    if frame.width > WIDTH_WORTH {
        return false;
    }
    out.push(scale | if is_stepwise { STEPS } else { 0 });
    out.push(frame.width as u8);
    out.push(frame.shift as u8);
    put_signed(out, frame.base);
    if is_stepwise {
        put_signed(out, first);
        put_bits(steps(), frame, out);
    } else {
        put_bits(whole.iter().copied(), frame, out);
    }
    true
}

/// Adds the `count` values of `bytes` to `out`; `None`, and nothing added, if damaged.
pub(crate) fn unpack(bytes: &[u8], count: usize, out: &mut Vec<f64>) -> Option<()> {
    let mut cursor = Cursor::new(bytes);
    let (head, width, shift) = (cursor.u8()?, u32::from(cursor.u8()?), u32::from(cursor.u8()?));
    let scale = *SCALES.get(usize::from(head & SCALE))?;
    let base = cursor.signed()?;
    let is_stepwise = head & STEPS != 0;
    let mut at = if is_stepwise { cursor.signed()? } else { 0 };
    let packed = cursor.take(cursor.left())?;
    let numbers = if is_stepwise { count.checked_sub(1)? } else { count };
    let is_sound = head & !(SCALE | STEPS) == 0 && width <= WIDTH_MAX && shift < 64;
    if !is_sound || packed.len() != bytes_of(numbers, width) {
        return None;
    }
    // Dividing by one costs as much as by any other number.
    let value = |whole: i64| if scale == 1.0 { whole as f64 } else { whole as f64 / scale };
    let distance =
        |number: usize| base.wrapping_add((bits(packed, number * width as usize, width) << shift).cast_signed());
    if is_stepwise {
        let first = value(at);
        out.push(first);
        out.extend((0..numbers).map(|number| {
            at = at.wrapping_add(distance(number));
            value(at)
        }));
    } else {
        out.extend((0..numbers).map(|number| value(distance(number))));
    }
    Some(())
}

/// The whole numbers that `values` are at the smallest scale, and which that is.
fn to_whole(values: &[f64], whole: &mut Vec<i64>) -> Option<u8> {
    let mut scales = SCALES.iter().copied().zip(0_u8..);
    let (mut by, mut scale) = scales.next()?;
    for value in values {
        while exactly(*value, by).is_none() {
            (by, scale) = scales.next()?;
        }
    }
    for value in values {
        whole.push(exactly(*value, by)?);
    }
    Some(scale)
}

/// `value` times `by`, if dividing by it again gives the same bits.
#[inline]
fn exactly(value: f64, by: f64) -> Option<i64> {
    let near = value * by;
    let whole = (near + ROUNDER) - ROUNDER;
    let back = if by == 1.0 { whole } else { whole / by };
    // A negative zero has other bits than the zero that comes back.
    let same = near.abs() < WHOLE_MAX && back.to_bits() == value.to_bits();
    same.then_some(whole as i64)
}

/// How numbers are written: the smallest, and how many bits the distances from it take without the low ones that none has.
#[derive(Clone, Copy)]
struct Frame {
    base: i64,
    width: u32,
    shift: u32,
}

impl Frame {
    fn of(numbers: impl Iterator<Item = i64> + Clone) -> Self {
        let (least, most) = numbers.clone().fold((i64::MAX, i64::MIN), |(a, b), one| (a.min(one), b.max(one)));
        let any = numbers.fold(0, |any, one| any | one.wrapping_sub(least));
        let shift = if any == 0 { 0 } else { any.trailing_zeros() };
        let base = if least == i64::MAX { 0 } else { least };
        let width = 64 - (most.wrapping_sub(least).max(0).cast_unsigned() >> shift).leading_zeros();
        Self { base, width, shift }
    }
}

fn bytes_of(numbers: usize, width: u32) -> usize {
    (numbers * width as usize).div_ceil(8)
}

fn put_bits(numbers: impl Iterator<Item = i64>, frame: Frame, out: &mut Vec<u8>) {
    let (mut waiting, mut held) = (0_u64, 0_u32);
    for one in numbers {
        let distance = one.wrapping_sub(frame.base).cast_unsigned() >> frame.shift;
        waiting |= distance << held;
        held += frame.width;
        while held >= 8 {
            out.push(waiting as u8);
            waiting >>= 8;
            held -= 8;
        }
    }
    if held > 0 {
        out.push(waiting as u8);
    }
}

/// The `width` bits (at most 56) from bit `from` on; what lies beyond the end is zero.
#[inline]
fn bits(packed: &[u8], from: usize, width: u32) -> u64 {
    let rest = packed.get(from / 8..).unwrap_or_default();
    let word = rest.first_chunk::<8>().map_or_else(
        || rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
        |eight| u64::from_le_bytes(*eight),
    );
    (word >> (from % 8)) & ((1_u64 << width) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Bytes that the values take, if they come back bit by bit.
    fn taken(values: &[f64]) -> Option<usize> {
        let mut out = vec![7];
        if !pack(values, &mut out) {
            assert_eq!(out, [7]);
            return None;
        }
        let mut back = vec![0.5];
        unpack(&out[1..], values.len(), &mut back).unwrap();
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&back[1..]), bits(values));
        Some(out.len() - 1)
    }

    #[test]
    fn decimals_take_the_bits_that_their_distances_need() {
        let made = |of: fn(i32) -> f64| (0..80).map(of).collect::<Vec<_>>();
        // A percentage with one decimal: 7 bits.
        assert_eq!(taken(&made(|n| f64::from(200 + n * n * 37 % 101) / 10.0)), Some(75));
        // A counter with even steps: nothing but where it begins and the step.
        assert_eq!(taken(&made(|n| 1e9 + 512.0 * f64::from(n))), Some(10));
        // Pages of memory: the low bits that no step has are left out.
        assert_eq!(taken(&made(|n| 4096.0 * f64::from(1_000 + n % 7 * (n % 3)))), Some(3 + 4 + 40));
        assert_eq!(taken(&[5.25]), Some(3 + 2));
    }

    #[test]
    fn what_is_no_decimal_is_left_to_others() {
        for value in [f64::NAN, f64::INFINITY, -0.0, 1.0 / 3.0, 1e-10, 1e300, f64::MIN_POSITIVE, 2.4e15] {
            assert_eq!(taken(&[1.0, value]), None, "{value}");
        }
    }

    #[test]
    fn damage_is_found_or_gives_other_values_but_never_more() {
        let mut out = Vec::new();
        assert!(pack(&[1.5, 2.5, 9.0, 4.25], &mut out));
        for at in 0..out.len() {
            for bit in 0..8 {
                let mut damaged = out.clone();
                damaged[at] ^= 1 << bit;
                let mut back = Vec::new();
                let answer = unpack(&damaged, 4, &mut back);
                assert_eq!(back.len(), if answer.is_some() { 4 } else { 0 });
            }
            assert_eq!(unpack(&out[..at], 4, &mut Vec::new()), None);
        }
        assert_eq!(unpack(&out, 0, &mut Vec::new()), None);
    }

    fn decimal() -> impl Strategy<Value = f64> {
        let scaled = |(whole, scale): (i64, usize)| whole as f64 / SCALES[scale];
        prop_oneof![
            6 => (-2_000_000_i64..2_000_000, 0..10_usize).prop_map(scaled),
            2 => (-(1_i64 << 52)..1 << 52, 0..10_usize).prop_map(scaled),
            1 => any::<f64>(),
        ]
    }

    proptest! {
        #[test]
        fn values_come_back_bit_by_bit(values in prop::collection::vec(decimal(), 1..128), from in 0_usize..3) {
            // With and without those that only pco takes.
            let values: Vec<f64> = if from == 0 { values } else { values.into_iter().filter(|one| one.abs() < 1e6).collect() };
            if !values.is_empty() {
                taken(&values);
            }
        }

        #[test]
        fn any_bytes_are_read_without_harm(bytes: Vec<u8>, count in 0_usize..128) {
            let mut back = Vec::new();
            let answer = unpack(&bytes, count, &mut back);
            prop_assert_eq!(back.len(), if answer.is_some() { count } else { 0 });
        }
    }
}
