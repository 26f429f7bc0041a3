//! The words of SSH's transport (RFC 4251, section 5; RFC 4253, section 6): numbers, strings, packets.

use crate::talk::Talk;

/// Longest packet that is read (RFC 4253, section 6.1, asks for 35,000).
const PACKET_BYTES_MAX: usize = 64 * 1024;
/// Packets that say nothing, between two that do.
const NOISE_MAX: usize = 20;

/// A string with its length before it.
pub(super) fn put(into: &mut Vec<u8>, bytes: &[u8]) {
    into.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    into.extend_from_slice(bytes);
}

/// A positive number of any length, written as short as it can be.
pub(super) fn put_number(into: &mut Vec<u8>, bytes: &[u8]) {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let short = bytes.get(start..).unwrap_or_default();
    let mut number = Vec::with_capacity(short.len().saturating_add(1));
    if short.first().is_some_and(|first| *first >= 0x80) {
        number.push(0);
    }
    number.extend_from_slice(short);
    put(into, &number);
}

/// Takes the next string.
pub(super) fn take<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = from.split_first_chunk::<4>()?;
    let (bytes, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    *from = rest;
    Some(bytes)
}

/// Takes the next positive number, without zeros before it.
pub(super) fn take_number<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let bytes = take(from)?;
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    bytes.get(start..)
}

/// Sends a packet, as it is before anything is encrypted.
pub(super) async fn send(talk: &mut Talk, payload: &[u8]) -> Result<(), String> {
    // Length, length of the padding, payload and padding are a multiple of eight bytes; at least four are padding.
    let padding = 8 - (payload.len() + 5) % 8;
    let padding = if padding < 4 { padding + 8 } else { padding };
    let length = u32::try_from(payload.len() + padding + 1).map_err(|e| e.to_string())?;
    let mut packet = length.to_be_bytes().to_vec();
    packet.push(u8::try_from(padding).map_err(|e| e.to_string())?);
    packet.extend_from_slice(payload);
    packet.resize(packet.len() + padding, 0);
    talk.say(&packet).await
}

/// The payload of the next packet that says something.
pub(super) async fn receive(talk: &mut Talk) -> Result<Vec<u8>, String> {
    for _ in 0..NOISE_MAX {
        let start = talk.exactly(5).await?;
        let damaged = || "a packet of the answer is damaged".to_owned();
        let (length, padding) = start.split_first_chunk::<4>().ok_or_else(damaged)?;
        let length = u32::from_be_bytes(*length) as usize;
        let padding = usize::from(*padding.first().ok_or_else(damaged)?);
        if length > PACKET_BYTES_MAX || padding + 2 > length {
            return Err(damaged());
        }
        let mut payload = talk.exactly(length - 1).await?;
        payload.truncate(length - 1 - padding);
        match payload.first() {
            // RFC 4253, section 11: disconnect; ignore, unimplemented and debug.
            Some(1) => {
                let mut rest = payload.get(5..).unwrap_or_default();
                let why = String::from_utf8_lossy(take(&mut rest).unwrap_or_default()).into_owned();
                return Err(format!("the server ended the conversation: {}", crate::text::shorten(&why, 150)));
            }
            Some(2..=4) => {}
            _ => return Ok(payload),
        }
    }
    Err("the server says nothing that matters".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_short_as_they_can_be_and_never_negative() {
        for (bytes, written) in
            [(&[0, 0][..], &[0, 0, 0, 0][..]), (&[0, 7], &[0, 0, 0, 1, 7]), (&[0x80, 1], &[0, 0, 0, 3, 0, 0x80, 1])]
        {
            let mut into = Vec::new();
            put_number(&mut into, bytes);
            assert_eq!(into, written);
        }
        let mut from: &[u8] = &[0, 0, 0, 2, 0, 9, 1];
        assert_eq!((take_number(&mut from), from), (Some(&[9][..]), &[1][..]));
        assert_eq!(take(&mut from), None);
        assert_eq!(take(&mut &[0, 0, 0, 9, 1][..]), None);
    }
}
