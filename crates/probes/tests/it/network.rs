//! Looks at servers that speak as they should.

use std::sync::Arc;
use std::time::Duration;

use probes::database::Database;
use probes::dns::Dns;
use probes::http::Http;
use probes::icmp::Icmp;
use probes::mail::{Mail, Security};
use probes::ssh::Ssh;
use probes::tcp::Tcp;
use probes::tls::{StartTls, Tls};
use probes::{Around, Look, Memory, Outcome, Secret, Seen, look};
use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_rustls::TlsAcceptor;

pub(crate) async fn seen(what: Look) -> Seen {
    look(&what, &Around::default(), &mut Memory::default(), Duration::from_secs(20)).await
}

pub(crate) async fn check(what: Look, outcome: Outcome, part: &str) {
    let seen = seen(what).await;
    assert_eq!(seen.outcome, outcome, "{}", seen.evidence);
    assert!(seen.evidence.contains(part), "{} lacks {part}", seen.evidence);
}

/// A server whose conversations are `talk`; answers its port.
pub(crate) async fn serve<F: Future<Output = ()> + Send + 'static>(
    talk: impl Fn(TcpStream) -> F + Send + 'static,
) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(stream));
        }
    });
    port
}

/// Says a line after each line that begins as told; ends when something else comes.
async fn script<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, first: &str, steps: &[(&str, &str)]) {
    stream.write_all(first.as_bytes()).await.unwrap();
    for (wanted, answer) in steps {
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            match stream.read_u8().await {
                Ok(byte) => line.push(byte),
                Err(_) => return,
            }
        }
        let answer = if line.starts_with(wanted.as_bytes()) { answer } else { &"550 not this\r\na3 NO not this\r\n" };
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn acceptor() -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

fn host() -> String {
    "127.0.0.1".to_owned()
}

#[tokio::test]
async fn a_port_that_takes_connections_is_good_and_one_that_answers_wrongly_is_not() {
    let port =
        serve(|mut stream: TcpStream| async move { script(&mut stream, "", &[("PING", "+PONG\r\n")]).await }).await;
    let tcp = |send: Option<&str>, expect: Option<&str>| {
        Look::Tcp(Tcp {
            host: host(),
            port,
            send: send.map(str::to_owned),
            expect: expect.map(str::to_owned),
            max_ms: None,
        })
    };
    check(tcp(None, None), Outcome::Good, "takes connections").await;
    check(tcp(Some(r"PING\r\n"), Some("+PONG")), Outcome::Good, "+PONG").await;
    check(tcp(Some(r"NOISE\r\n"), Some("+PONG")), Outcome::Bad, "did not say").await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    check(Look::Tcp(Tcp { host: host(), port: closed, ..Tcp::default() }), Outcome::Bad, "refused").await;
}

#[tokio::test]
async fn a_web_server_is_asked_with_method_headers_and_body_and_redirects_are_followed() {
    let port = serve(|mut stream: TcpStream| async move {
        let mut request = vec![0; 4_096];
        let read = stream.read(&mut request).await.unwrap_or(0);
        let text = String::from_utf8_lossy(&request[..read]).into_owned();
        let answer = if text.starts_with("GET /old") {
            "HTTP/1.1 302 Found\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n".to_owned()
        } else {
            let good = text.starts_with("POST /new") && text.contains("X-Key: k1") && text.ends_with("{\"a\":1}");
            let body = if good { "{\"ok\":true}" } else { "{\"ok\":false}" };
            format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        };
        let _ = stream.write_all(answer.as_bytes()).await;
    })
    .await;
    let url = format!("http://127.0.0.1:{port}");
    let post = Http {
        url: format!("{url}/new"),
        method: "POST".into(),
        headers: Some("X-Key: k1".into()),
        body: Some("{\"a\":1}".into()),
        json_path: Some("ok".into()),
        json_equals: Some("true".into()),
        expect_headers: Some("Content-Type: json".into()),
        ..Http::default()
    };
    check(Look::Http(post), Outcome::Good, "status 200").await;
    check(
        Look::Http(Http { url: format!("{url}/old"), contains: Some("false".into()), ..Http::default() }),
        Outcome::Good,
        "200",
    )
    .await;
    let stay =
        Http { url: format!("{url}/old"), max_redirects: 0, expect_location: Some("/new".into()), ..Http::default() };
    check(Look::Http(stay), Outcome::Good, "status 302").await;
}

#[tokio::test]
async fn a_certificate_is_looked_at_directly_and_behind_starttls() {
    let direct = serve(|stream: TcpStream| async move {
        let _ = acceptor().accept(stream).await;
    })
    .await;
    let tls =
        |port, any_issuer, starttls| Look::Tls(Tls { host: host(), port, any_issuer, starttls, ..Tls::default() });
    check(tls(direct, true, StartTls::None), Outcome::Bad, "holds from 1975-01-01 only").await;
    check(tls(direct, false, StartTls::None), Outcome::Bad, "no authority that this machine trusts").await;
    let at_2026 = Around { now_s: 1_767_225_600, ..Around::default() };
    let seen =
        look(&tls(direct, true, StartTls::None), &at_2026, &mut Memory::default(), Duration::from_secs(20)).await;
    assert!(seen.outcome == Outcome::Good && seen.value.unwrap() > 10_000.0, "{seen:?}");
    let named = Tls {
        host: host(),
        port: direct,
        any_issuer: true,
        server_name: Some("other.example.org".into()),
        ..Tls::default()
    };
    let seen = look(&Look::Tls(named), &at_2026, &mut Memory::default(), Duration::from_secs(20)).await;
    assert!(seen.evidence.contains("not for other.example.org but for localhost, 127.0.0.1"), "{}", seen.evidence);
    let imap = serve(|mut stream: TcpStream| async move {
        script(&mut stream, "* OK ready\r\n", &[("a1 STARTTLS", "a1 OK go\r\n")]).await;
        let _ = acceptor().accept(stream).await;
    })
    .await;
    check(tls(imap, false, StartTls::Imap), Outcome::Bad, "no authority").await;
}

async fn mail_server(mut stream: TcpStream) {
    let hello = ("EHLO", "250-mx\r\n250 STARTTLS\r\n");
    script(&mut stream, "220 mx ESMTP\r\n", &[hello, ("STARTTLS", "220 go\r\n")]).await;
    let Ok(mut secure) = acceptor().accept(stream).await else { return };
    let login = ("AUTH PLAIN AGFubgBob3JzZQ==", "235 welcome\r\n");
    script(&mut secure, "", &[("EHLO", "250 mx\r\n"), login, ("QUIT", "221 bye\r\n")]).await;
}

#[tokio::test]
async fn mail_servers_are_spoken_with_up_to_the_login_and_passwords_stay_unsaid() {
    let port = serve(mail_server).await;
    let mail = |password: &str, any_certificate| Mail {
        host: host(),
        port,
        user: Some("ann".into()),
        password: Secret::new(password),
        any_certificate,
        expect: Some("ESMTP".into()),
        ..Mail::default()
    };
    check(Look::Smtp(mail("horse", true)), Outcome::Good, "takes the login: mx ESMTP").await;
    let wrong = seen(Look::Smtp(mail("battery", true))).await;
    assert!(wrong.outcome == Outcome::Bad && wrong.evidence.contains("to the login the server said 550"), "{wrong:?}");
    assert!(!wrong.evidence.contains("battery"));
    check(Look::Smtp(mail("horse", false)), Outcome::Bad, "is not trusted").await;
    let imap = serve(|mut stream: TcpStream| async move {
        let steps =
            [("a2 CAPABILITY", "* CAPABILITY IMAP4\r\na2 OK\r\n"), ("a3 LOGIN \"ann\" \"ho\\\"rse\"", "a3 OK in\r\n")];
        script(&mut stream, "* OK dovecot ready\r\n", &steps).await;
    })
    .await;
    let plain = |password: &str| Mail {
        port: imap,
        security: Security::None,
        password: Secret::new(password),
        expect: None,
        ..mail("", true)
    };
    check(Look::Imap(plain("ho\"rse")), Outcome::Good, "dovecot ready").await;
    check(Look::Imap(plain("x")), Outcome::Bad, "to the login the server said NO").await;
}

#[tokio::test]
async fn an_ssh_server_tells_its_version() {
    let port = serve(|mut stream: TcpStream| async move {
        script(&mut stream, "hello\r\nSSH-2.0-OpenSSH_9.2\r\n", &[("SSH", "")]).await
    })
    .await;
    check(Look::Ssh(Ssh { host: host(), port, ..Ssh::default() }), Outcome::Good, "OpenSSH_9.2").await;
}

#[tokio::test]
async fn a_resolver_is_asked_over_udp() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let resolver = socket.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut buffer = [0; 600];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let mut answer = buffer[..length - 11].to_vec();
            answer[2..4].copy_from_slice(&[0x81, 0x80]);
            (answer[7], answer[11]) = (1, 0);
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
            // First a stranger's answer with another number, which must not be heard.
            let mut stranger = answer.clone();
            stranger[0] ^= 0xff;
            let _ = socket.send_to(&stranger, from).await;
            let _ = socket.send_to(&answer, from).await;
        }
    });
    let dns = |values: &str| {
        let (domain, values) = ("www.example.org".to_owned(), Some(values.to_owned()));
        Look::Dns(Dns { domain, resolver: Some(resolver.clone()), values, exactly: true, ..Dns::default() })
    };
    check(dns("192.0.2.7"), Outcome::Good, "A is 192.0.2.7").await;
    check(dns("192.0.2.8"), Outcome::Bad, "without 192.0.2.8").await;
}

#[tokio::test]
async fn this_machine_answers_its_own_pings_or_says_what_is_missing() {
    let seen = seen(Look::Icmp(Icmp { host: host(), count: 2, ..Icmp::default() })).await;
    match seen.outcome {
        Outcome::Good => assert!(seen.evidence.contains("0 % lost"), "{}", seen.evidence),
        Outcome::Unknown => assert!(seen.evidence.contains("ping_group_range"), "{}", seen.evidence),
        Outcome::Bad => panic!("{}", seen.evidence),
    }
}

/// Messages of PostgreSQL: a tag, a length that counts itself, a body.
fn pg(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[tag], (body.len() as u32 + 4).to_be_bytes().as_slice(), body].concat()
}

async fn postgres_server(mut stream: TcpStream) {
    let mut start = vec![0; 1_000];
    let _ = stream.read(&mut start).await;
    let salt = pg(b'R', &[0, 0, 0, 5, 1, 2, 3, 4]);
    stream.write_all(&salt).await.unwrap();
    let read = stream.read(&mut start).await.unwrap_or(0);
    // md5(md5("horse" + "ann") + salt), as PostgreSQL's documentation has it.
    if !String::from_utf8_lossy(&start[..read]).contains("md5") {
        return;
    }
    let ready = [pg(b'R', &[0; 4]), pg(b'S', b"server_version\x0015.4\0"), pg(b'Z', b"I")].concat();
    stream.write_all(&ready).await.unwrap();
    let _ = stream.read(&mut start).await;
    stream.write_all(&[pg(b'C', b"SET\0"), pg(b'Z', b"I")].concat()).await.unwrap();
    let _ = stream.read(&mut start).await;
    let row = [vec![0, 1, 0, 0, 0, 2], b"42".to_vec()].concat();
    let _ =
        stream.write_all(&[pg(b'T', &[0, 1]), pg(b'D', &row), pg(b'C', b"SELECT 1\0"), pg(b'Z', b"I")].concat()).await;
}

#[tokio::test]
async fn a_postgresql_server_answers_a_query() {
    let port = serve(postgres_server).await;
    let base = Database {
        host: host(),
        port,
        security: Security::None,
        user: Some("ann".into()),
        password: Secret::new("horse"),
        ..Database::default()
    };
    let seen = seen(Look::Postgres(Database { max_value: Some(50.0), ..base.clone() })).await;
    assert!(seen.outcome == Outcome::Good && seen.evidence.contains("PostgreSQL 15.4"), "{seen:?}");
    assert!(seen.figures.iter().any(|one| one.name == "result" && one.value == 42.0));
    check(Look::Postgres(Database { expect: Some("41".into()), ..base }), Outcome::Bad, "answers \"42\", not \"41\"")
        .await;
}

async fn mysql_server(mut stream: TcpStream) {
    let packet = |number: u8, body: &[u8]| [&[body.len() as u8, 0, 0, number], body].concat();
    let mut greeting = b"\x0a8.0.34\0\x01\0\0\0ABCDEFGH\0\xff\xf7\x2d\x02\0\xff\xdf\x15".to_vec();
    greeting.extend([0; 10]);
    greeting.extend(b"IJKLMNOPQRST\0mysql_native_password\0");
    stream.write_all(&packet(0, &greeting)).await.unwrap();
    let mut buffer = vec![0; 1_000];
    let read = stream.read(&mut buffer).await.unwrap_or(0);
    if !String::from_utf8_lossy(&buffer[..read]).contains("ann") {
        let _ = stream.write_all(&packet(2, b"\xff\x15\x04#28000Access denied for user")).await;
        return;
    }
    stream.write_all(&packet(2, &[0, 0, 0, 2, 0, 0, 0])).await.unwrap();
    let _ = stream.read(&mut buffer).await;
    stream.write_all(&packet(1, &[0, 0, 0, 2, 0, 0, 0])).await.unwrap();
    let _ = stream.read(&mut buffer).await;
    let end = [0xfe, 0, 0, 2, 0];
    let answer =
        [packet(1, &[1]), packet(2, b"\x03defcolumn"), packet(3, &end), packet(4, b"\x027\x30"), packet(5, &end)];
    let _ = stream.write_all(&answer.concat()).await;
}

#[tokio::test]
async fn a_mysql_server_answers_a_query_and_a_refused_login_is_told() {
    let port = serve(mysql_server).await;
    let look = |user: &str| {
        let (user, password) = (Some(user.to_owned()), Secret::new("horse"));
        Look::Mysql(Database { host: host(), port, security: Security::None, user, password, ..Database::default() })
    };
    check(look("ann"), Outcome::Good, "MySQL 8.0.34 on 127.0.0.1 answers \"70\"").await;
    check(look("bob"), Outcome::Bad, "Access denied for user (1045)").await;
}

/// Against the real one, where the environment names it: `postgres://user:password@host:port/database`.
#[tokio::test]
async fn a_real_postgresql_lets_a_check_look_and_not_write() {
    let Ok(given) = std::env::var("MAINSTAY_TEST_POSTGRES") else {
        eprintln!("left out: MAINSTAY_TEST_POSTGRES names no PostgreSQL server");
        return;
    };
    // Words as libpq takes them: host=.. port=.. user=.. dbname=..
    let word = |name: &str| {
        let of = |pair: &str| pair.split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
        given.split_whitespace().find_map(of)
    };
    let base = Database {
        host: word("host").expect("MAINSTAY_TEST_POSTGRES has no host=.."),
        port: word("port").map_or(5432, |port| port.parse().unwrap()),
        security: Security::None,
        user: Some(word("user").unwrap_or_else(|| "postgres".into())),
        password: Secret::new(word("password").unwrap_or_default()),
        database: Some(word("dbname").unwrap_or_else(|| "postgres".into())),
        ..Database::default()
    };
    check(
        Look::Postgres(Database { query: Some("SELECT 6 * 7".into()), expect: Some("42".into()), ..base.clone() }),
        Outcome::Good,
        "42",
    )
    .await;
    check(
        Look::Postgres(Database { query: Some("CREATE TABLE checks_write (id int)".into()), ..base }),
        Outcome::Bad,
        "25006",
    )
    .await;
}
