//! Looks at servers that hang, never end, or talk nonsense: each ends within its deadline, with an answer in words and
//! little memory.

use std::time::Duration;

use probes::database::Database;
use probes::http::Http;
use probes::mail::{Mail, Security};
use probes::ssh::Ssh;
use probes::tcp::Tcp;
use probes::tls::Tls;
use probes::{Around, Look, Memory, Outcome, look};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::network::serve;

/// Every kind that speaks with a server, aimed at a port.
fn all(port: u16) -> Vec<Look> {
    let host = || "127.0.0.1".to_owned();
    let database =
        Database { host: host(), port, security: Security::None, user: Some("a".into()), ..Database::default() };
    let mail = Mail { host: host(), port, security: Security::None, ..Mail::default() };
    let starttls = Mail { security: Security::Starttls, ..mail.clone() };
    vec![
        Look::Http(Http {
            url: format!("http://127.0.0.1:{port}/"),
            contains: Some("never".into()),
            ..Http::default()
        }),
        Look::Http(Http { url: format!("https://127.0.0.1:{port}/"), ..Http::default() }),
        Look::Tcp(Tcp { host: host(), port, expect: Some("never".into()), ..Tcp::default() }),
        Look::Tls(Tls { host: host(), port, ..Tls::default() }),
        Look::Smtp(mail.clone()),
        Look::Smtp(starttls.clone()),
        Look::Imap(mail),
        Look::Imap(starttls),
        Look::Ssh(Ssh { host: host(), port, ..Ssh::default() }),
        Look::Postgres(database.clone()),
        Look::Postgres(Database { security: Security::Tls, ..database.clone() }),
        Look::Mysql(database),
    ]
}

async fn all_are_bad(port: u16) {
    for what in all(port) {
        let seen = look(&what, &Around::default(), &mut Memory::default(), Duration::from_millis(300)).await;
        assert_eq!(seen.outcome, Outcome::Bad, "{what:?}: {}", seen.evidence);
        assert!(!seen.evidence.is_empty() && seen.evidence.len() <= probes::EVIDENCE_BYTES_MAX);
        assert!(!seen.evidence.contains(['\n', '\r', '\0']), "{:?}", seen.evidence);
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_bad_at_the_deadline() {
    all_are_bad(
        serve(|mut stream: TcpStream| async move {
            let mut all = Vec::new();
            let _ = stream.read_to_end(&mut all).await;
        })
        .await,
    )
    .await;
}

#[tokio::test]
async fn a_server_that_closes_at_once_is_bad() {
    all_are_bad(serve(|stream: TcpStream| async move { drop(stream) }).await).await;
}

#[tokio::test]
async fn a_server_that_never_ends_is_bad_and_takes_no_memory() {
    all_are_bad(
        serve(|mut stream: TcpStream| async move { while stream.write_all(&[b'x'; 8_192]).await.is_ok() {} }).await,
    )
    .await;
}

#[tokio::test]
async fn a_server_of_endless_lines_is_bad() {
    all_are_bad(
        serve(|mut stream: TcpStream| async move { while stream.write_all(b"220-more\r\n").await.is_ok() {} }).await,
    )
    .await;
}

#[tokio::test]
async fn a_server_that_talks_nonsense_is_bad() {
    all_are_bad(
        serve(|mut stream: TcpStream| async move {
            let nonsense: Vec<u8> = (0..2_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
            let _ = stream.write_all(&nonsense).await;
        })
        .await,
    )
    .await;
}

#[tokio::test]
async fn a_server_that_claims_a_huge_length_is_not_believed() {
    let port = serve(|mut stream: TcpStream| async move {
        let _ = stream.write_all(b"R\x7f\xff\xff\xff\0\0\0\0").await;
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all).await;
    })
    .await;
    all_are_bad(port).await;
}

#[tokio::test]
async fn words_before_the_secure_part_are_an_injection() {
    let port = serve(|mut stream: TcpStream| async move {
        let _ = stream.write_all(b"220 mx\r\n").await;
        let _ = stream.write_all(b"250 STARTTLS\r\n220 go\r\n235 you are in\r\n").await;
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all).await;
    })
    .await;
    let mail = Mail { host: "127.0.0.1".into(), port, ..Mail::default() };
    let seen = look(&Look::Smtp(mail), &Around::default(), &mut Memory::default(), Duration::from_secs(5)).await;
    assert!(seen.evidence.contains("more than it was asked"), "{}", seen.evidence);
}

#[tokio::test]
async fn metadata_addresses_are_reached_by_no_kind() {
    for what in [
        Look::Tcp(Tcp { host: "169.254.169.254".into(), port: 80, ..Tcp::default() }),
        Look::Http(Http { url: "http://[::ffff:169.254.169.254]/".into(), ..Http::default() }),
        Look::Ssh(Ssh { host: "fe80::1".into(), port: 22, ..Ssh::default() }),
        Look::Icmp(probes::icmp::Icmp { host: "169.254.169.254".into(), ..probes::icmp::Icmp::default() }),
        Look::Dns(probes::dns::Dns {
            domain: "a".into(),
            resolver: Some("169.254.169.253".into()),
            ..probes::dns::Dns::default()
        }),
    ] {
        let seen = look(&what, &Around::default(), &mut Memory::default(), Duration::from_secs(5)).await;
        assert!(seen.outcome != Outcome::Good && seen.evidence.contains("link-local"), "{}", seen.evidence);
    }
}
