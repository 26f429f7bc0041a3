//! The addresses of all interfaces, from the kernel: one `RTM_GETADDR` dump (rtnetlink(7)).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, recv, send, socket};

const GET_ADDRESSES: u16 = 22;
const NEW_ADDRESS: u16 = 20;
const DONE: u16 = 3;
const ERROR: u16 = 2;
const REQUEST_AND_DUMP: u16 = 0x301;
const ATTRIBUTE_ADDRESS: u16 = 1;
const ATTRIBUTE_LOCAL: u16 = 2;
const HEADER_BYTES: usize = 16;
/// A dump of a machine with a thousand addresses takes a few dozen parts.
const PARTS_MAX: usize = 1_000;

/// One address of one interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) interface: u32,
    pub(super) ip: IpAddr,
    pub(super) prefix: u8,
}

/// All addresses of this machine.
pub(super) fn addresses() -> io::Result<Vec<Address>> {
    let socket = socket(AddressFamily::NETLINK, SocketType::RAW, None)?;
    send(&socket, &request(), SendFlags::empty())?;
    let mut found = Vec::new();
    let mut buffer = vec![0; 32 * 1024];
    for _ in 0..PARTS_MAX {
        let (length, _) = recv(&socket, &mut buffer[..], RecvFlags::empty())?;
        if parse(buffer.get(..length).unwrap_or_default(), &mut found) {
            return Ok(found);
        }
    }
    Err(io::Error::other("the kernel's list of addresses does not end"))
}

fn request() -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + 8);
    bytes.extend_from_slice(&((HEADER_BYTES + 8) as u32).to_ne_bytes());
    bytes.extend_from_slice(&GET_ADDRESSES.to_ne_bytes());
    bytes.extend_from_slice(&REQUEST_AND_DUMP.to_ne_bytes());
    bytes.extend_from_slice(&[0; 8]); // sequence and port: the only question on this socket
    bytes.extend_from_slice(&[0; 8]); // any family
    bytes
}

/// Reads one part of the dump. True when it was the last.
fn parse(mut bytes: &[u8], found: &mut Vec<Address>) -> bool {
    while let (Some(length), Some(kind)) = (u32_at(bytes, 0), u16_at(bytes, 4)) {
        let length = length as usize;
        let Some(message) = bytes.get(HEADER_BYTES..length) else { return true };
        match kind {
            DONE | ERROR => return true,
            NEW_ADDRESS => found.extend(address(message)),
            _ => {}
        }
        bytes = bytes.get(aligned(length)..).unwrap_or_default();
    }
    false
}

/// `ifaddrmsg`: family, prefix, flags, scope, index; then attributes.
fn address(message: &[u8]) -> Option<Address> {
    let prefix = *message.get(1)?;
    let interface = u32_at(message, 4)?;
    let mut attributes = message.get(8..)?;
    let (mut local, mut other) = (None, None);
    while let (Some(length), Some(kind)) = (u16_at(attributes, 0), u16_at(attributes, 2)) {
        let value = ip(attributes.get(4..usize::from(length))?);
        match kind {
            ATTRIBUTE_LOCAL => local = value,
            ATTRIBUTE_ADDRESS => other = value,
            _ => {}
        }
        attributes = attributes.get(aligned(usize::from(length))..).unwrap_or_default();
    }
    // On a point-to-point link the address is the peer's and the local one is ours.
    Some(Address { interface, ip: local.or(other)?, prefix })
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::V4(Ipv4Addr::from(four)));
    }
    <[u8; 16]>::try_from(bytes).ok().map(|sixteen| IpAddr::V6(Ipv6Addr::from(sixteen)))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Messages and attributes begin at multiples of four.
fn aligned(length: usize) -> usize {
    length.max(1).next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_address_is_found() {
        let found = addresses().unwrap();
        assert!(found.iter().any(|address| address.ip == IpAddr::from([127, 0, 0, 1]) && address.prefix == 8));
    }

    #[test]
    fn a_damaged_answer_ends_the_reading() {
        let mut found = Vec::new();
        for bytes in [&[][..], &[1], &[0; 16], &[255; 64]] {
            parse(bytes, &mut found);
        }
        let mut long = request();
        long[0] = 200;
        assert!(parse(&long, &mut found));
        assert!(found.is_empty());
    }
}
