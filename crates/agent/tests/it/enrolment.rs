//! Enrolment and trust: the right server, and no other.

use agent_proto::{EnrolmentToken, FromServer, Refusal, RefusalCode};

use crate::server::{AGENT_ID, Machine, Server, connected};

#[tokio::test]
async fn a_machine_enrols_at_the_server_that_its_token_names_and_signs_in_with_the_same_key() {
    let server = Server::start().await;
    let mut machine = Machine::new();
    let token = server.token().to_string();
    let (enrolled, (good, text)) = {
        let url = server.url();
        let words = ["enrol", &url, &token];
        tokio::join!(server.enrol(), machine.obey(&words))
    };
    assert!(good, "{text}");
    assert!(!enrolled.hints.hostname.is_empty());
    let (good, text) = machine.obey(&["enrol", &server.url(), &token]).await;
    assert!(!good && text.contains("enrolled already"), "{text}");
    machine.run(&[]);
    let (_peer, hello) = server.welcome().await;
    assert_eq!(hello.hints, enrolled.hints);
    assert!(hello.classes_allowed.is_empty(), "a new machine only observes");
    let (good, text) = machine.obey(&["status"]).await;
    assert!(good && text.contains(&"07".repeat(AGENT_ID.len())) && text.contains("running    yes"), "{text}");
    let (good, text) = machine.obey(&["run"]).await;
    assert!(!good && text.contains("another agent already runs"), "{text}");
    assert!(machine.end().await);
}

#[tokio::test]
async fn a_server_with_another_authority_is_refused_at_enrolment() {
    let server = Server::start().await;
    let machine = Machine::new();
    let token = EnrolmentToken { authority_sha256: [1; 32], ..server.token() }.to_string();
    let url = server.url();
    let words = ["enrol", &url, &token];
    let accept = async {
        let (stream, _) = server.listener.accept().await.unwrap();
        assert!(server.handshake_fails(stream).await);
    };
    let ((good, text), ()) = tokio::join!(machine.obey(&words), accept);
    assert!(!good && text.contains("UnknownIssuer"), "{text}");
    assert!(!machine.path("enrolment.json").exists());
}

#[tokio::test]
async fn a_server_with_another_authority_is_refused_after_enrolment() {
    let server = Server::start().await;
    let (mut machine, peer, _) = connected(&server, "").await;
    drop(peer);
    machine.kill();
    let impostor = Server::start().await;
    machine.run(&["--server", &impostor.url()]);
    let (stream, _) = impostor.listener.accept().await.unwrap();
    assert!(impostor.handshake_fails(stream).await);
}

#[tokio::test]
async fn a_new_authority_is_trusted_once_the_old_one_has_said_so() {
    let server = Server::start().await;
    let (mut machine, mut peer, _) = connected(&server, "").await;
    let next = Server::start().await;
    peer.say(FromServer::Trust { bundle: vec![b"rubbish".to_vec()] }).await;
    peer.say(FromServer::Trust { bundle: vec![server.authority.clone(), next.authority.clone()] }).await;
    peer.find(|_| machine.log().contains("renewed").then_some(())).await;
    assert!(machine.log().contains("no certificate authority"));
    machine.kill();
    machine.run(&["--server", &next.url()]);
    next.welcome().await;
}

#[tokio::test]
async fn refusals_are_said_and_do_not_end_the_agent() {
    let server = Server::start().await;
    let (mut machine, mut peer, _) = connected(&server, "").await;
    let text = "this key was revoked".to_owned();
    peer.say(FromServer::Refused(Refusal { code: RefusalCode::Revoked, text, retry_after_ms: 0 })).await;
    while peer.hear_or_end().await.is_some() {}
    server.welcome().await;
    assert!(machine.log().contains("this key was revoked (Revoked)"), "{}", machine.log());
    assert!(machine.end().await);
}

#[tokio::test]
async fn a_wrong_token_ends_the_command_with_the_servers_words() {
    let server = Server::start().await;
    let machine = Machine::new();
    let (url, token) = (server.url(), server.token().to_string());
    let words = ["enrol", &url, &token];
    let refuse = async {
        let mut peer = server.accept().await;
        peer.say(FromServer::Refused(Refusal {
            code: RefusalCode::WrongToken,
            text: "the token was used up".into(),
            retry_after_ms: 0,
        }))
        .await;
        peer.hear_or_end().await;
    };
    let ((good, text), ()) = tokio::join!(machine.obey(&words), refuse);
    assert!(!good && text.contains("the token was used up"), "{text}");
    let (good, text) = machine.obey(&["enrol", &url, "mst1_nonsense"]).await;
    assert!(!good && text.contains("not an enrolment token"), "{text}");
}

#[tokio::test]
async fn a_server_is_reached_through_a_proxy() {
    let server = Server::start().await;
    let proxy = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://user:pw@{}", proxy.local_addr().unwrap());
    let machine = Machine::new();
    let (url, token) = (server.url(), server.token().to_string());
    let words = ["enrol", &url, &token, "--proxy", &address];
    let relay = tokio::spawn(async move {
        use tokio::io::AsyncReadExt;
        use tokio::io::AsyncWriteExt;
        let (mut inner, _) = proxy.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(inner.read_u8().await.unwrap());
        }
        let request = String::from_utf8(request).unwrap();
        let target = request.split(' ').nth(1).unwrap().to_owned();
        inner.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let mut outer = tokio::net::TcpStream::connect(target).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut inner, &mut outer).await;
        request
    });
    let (_, (good, text)) = tokio::join!(server.enrol(), machine.obey(&words));
    assert!(good, "{text}");
    let request = relay.await.unwrap();
    assert!(request.starts_with("CONNECT 127.0.0.1:") && request.contains("Basic dXNlcjpwdw=="), "{request}");
}

#[test]
fn the_program_takes_its_token_from_the_environment_or_a_file_so_that_no_argument_shows_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "from a file\n").unwrap();
    let enrol = |environment: Option<&str>, arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_mainstay-agent"));
        command.env_remove("MAINSTAY_AGENT_TOKEN").arg("--dir").arg(folder.path().join("agent"));
        command.args(["enrol", "wss://127.0.0.1:1/agent"]).args(arguments);
        command.envs(environment.map(|token| ("MAINSTAY_AGENT_TOKEN", token)));
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let file = file.to_str().unwrap();
    assert_eq!(enrol(None, &[]).0, Some(2), "without a token it is a mistake in the command line");
    for (environment, arguments) in
        [(Some("nonsense"), &[][..]), (None, &["--token-file", file]), (None, &["nonsense"])]
    {
        let (code, says) = enrol(environment, arguments);
        assert_eq!(code, Some(1), "{says}");
        assert!(says.contains("token") && !says.contains("nonsense"), "{says}");
    }
    let (code, says) = enrol(None, &["--token-file", "/nowhere/token"]);
    assert!(code == Some(1) && says.contains("/nowhere/token"), "{says}");
}
