//! Reaching a server through an HTTP proxy with CONNECT (RFC 9110 section 9.3.6).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::http::Uri;

use super::Address;

/// Most bytes of the proxy's answer.
const ANSWER_BYTES_MAX: usize = 8 * 1024;

/// Connects to the proxy and asks it for the server.
pub(super) async fn connect(proxy: &str, server: &Address) -> Result<TcpStream, String> {
    let (host, port, credentials) = parse(proxy)?;
    let mut stream = super::tcp(&host, port).await?;
    let target = server.authority();
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    if let Some(credentials) = credentials {
        request.push_str(&format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(credentials)));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|e| e.to_string())?;
    let answer = read_answer(&mut stream).await?;
    let status = answer.split(' ').nth(1).unwrap_or_default();
    if status.starts_with('2') { Ok(stream) } else { Err(format!("it answered {:?}", answer.lines().next())) }
}

/// Byte by byte: what follows the empty line already belongs to the server.
async fn read_answer(stream: &mut TcpStream) -> Result<String, String> {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() >= ANSWER_BYTES_MAX {
            return Err("its answer is too long".into());
        }
        answer.push(stream.read_u8().await.map_err(|e| e.to_string())?);
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn parse(proxy: &str) -> Result<(String, u16, Option<String>), String> {
    // It is not repeated: it may hold a password, and this goes into the log.
    let uri: Uri = proxy.parse().map_err(|_| "the proxy's address cannot be read; it is http://host:port")?;
    let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err("the proxy's address does not start with http://".into());
    };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    let credentials = authority.as_str().rsplit_once('@').map(|(credentials, _)| credentials.to_owned());
    Ok((host, authority.port_u16().unwrap_or(3128), credentials))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_address_may_hold_credentials() {
        assert_eq!(parse("http://p:8080"), Ok(("p".into(), 8080, None)));
        assert_eq!(parse("http://u:pw@[::1]"), Ok(("::1".into(), 3128, Some("u:pw".into()))));
        assert!(parse("socks5://p").is_err());
        for wrong in ["http://u:pw@p:80 80", "http://u:pw@", "socks5://u:pw@p"] {
            assert!(parse(wrong).is_err_and(|why| !why.contains("pw")), "{wrong}");
        }
    }
}
