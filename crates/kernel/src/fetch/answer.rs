//! Status line and header lines of an answer (RFC 9112, sections 4 to 6), as far as a scraper needs them.

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(usize),
    Chunked,
    ToEnd,
}

/// What stands before the body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) framing: Framing,
    /// The connection can be used again.
    pub(super) keep: bool,
    pub(super) content_type: Option<String>,
    pub(super) encoding: Option<String>,
    pub(super) location: Option<String>,
}

/// Reads a head, without the empty line at its end.
pub(super) fn parse_head(bytes: &[u8]) -> Result<Head, String> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let version = words.next().and_then(|word| word.strip_prefix("HTTP/1."));
    let status = words.next().and_then(|word| word.parse().ok()).filter(|status| (100..1000).contains(status));
    let (Some(version), Some(status)) = (version, status) else { return Err("the answer is not HTTP/1.1".into()) };
    let mut head = Head {
        status,
        framing: Framing::ToEnd,
        keep: version != "0",
        content_type: None,
        encoding: None,
        location: None,
    };
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" if head.framing != Framing::Chunked => {
                let length = value.parse().map_err(|_| "the answer's Content-Length is not a number".to_owned())?;
                if matches!(head.framing, Framing::Length(other) if other != length) {
                    return Err("the answer has two lengths".into());
                }
                head.framing = Framing::Length(length);
            }
            "transfer-encoding" if value.eq_ignore_ascii_case("chunked") => head.framing = Framing::Chunked,
            "transfer-encoding" => return Err(format!("the answer's Transfer-Encoding {value:?} is not known")),
            "connection" => {
                let says = |word: &str| value.split(',').any(|one| one.trim().eq_ignore_ascii_case(word));
                head.keep = (head.keep || says("keep-alive")) && !says("close");
            }
            "content-type" => head.content_type = Some(value.to_owned()),
            "content-encoding" => head.encoding = Some(value.to_ascii_lowercase()),
            "location" => head.location = Some(value.to_owned()),
            _ => {}
        }
    }
    if head.framing == Framing::ToEnd {
        head.keep = false;
    }
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_how_long_the_body_is_and_whether_the_connection_stays() {
        let read = |text: &str| parse_head(text.as_bytes()).map(|head| (head.status, head.framing, head.keep));
        assert_eq!(read("HTTP/1.1 200 OK\r\nContent-Length: 5"), Ok((200, Framing::Length(5), true)));
        assert_eq!(
            read("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nConnection: foo, Close"),
            Ok((200, Framing::Length(5), false))
        );
        assert_eq!(
            read("HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\nContent-Length: 5"),
            Ok((200, Framing::Chunked, true))
        );
        assert_eq!(read("HTTP/1.1 200 OK"), Ok((200, Framing::ToEnd, false)));
        assert_eq!(
            read("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0"),
            Ok((200, Framing::Length(0), true))
        );
        assert_eq!(read("HTTP/1.0 200 OK\r\nContent-Length: 0"), Ok((200, Framing::Length(0), false)));
        for wrong in [
            "",
            "SSH-2.0-OpenSSH",
            "HTTP/2 200",
            "HTTP/1.1 abc",
            "HTTP/1.1 20",
            "HTTP/1.1 200 OK\r\nContent-Length: -1",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked",
        ] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
