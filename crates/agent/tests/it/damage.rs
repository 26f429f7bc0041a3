//! Hostile and damaged frames: the connection ends, the agent does not.

use agent_proto::{FromServer, Lane, Signature, SignedJob, encode};
use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::Message;

use crate::server::{Server, connected};

#[tokio::test]
async fn truncated_and_hostile_frames_end_the_connection_and_the_agent_comes_back() {
    let server = Server::start().await;
    let (mut machine, mut peer, _) = connected(&server, "").await;
    let good = encode(&agent_proto::Frame::direct(FromServer::Checks { generation: 1, checks: vec![] })).unwrap();
    let mut bomb = b"MS\x01\x01".to_vec();
    bomb.extend([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0xff, 0xff, 0xff, 0xff, 0x03, 0x00, 0xf8, 0xff]);
    let hostile: Vec<Vec<u8>> =
        vec![vec![], b"GET / HTTP/1.1".to_vec(), good[..good.len() - 1].to_vec(), b"MS\x09\x00".to_vec(), bomb];
    for bytes in hostile {
        peer.say_bytes(bytes).await;
        while peer.hear_or_end().await.is_some() {}
        peer = server.welcome().await.0;
    }
    assert!(machine.log().contains("cannot be read"), "{}", machine.log());
    assert!(machine.end().await, "it never crashed");
}

#[tokio::test]
async fn a_message_beyond_the_limit_ends_the_connection() {
    let server = Server::start().await;
    let (mut machine, mut peer, _) = connected(&server, "").await;
    let _ = peer.socket.send(Message::Binary(vec![0; agent_proto::limits::FRAME_BYTES_MAX + 1].into())).await;
    while peer.hear_or_end().await.is_some() {}
    server.welcome().await;
    assert!(machine.end().await);
}

#[tokio::test]
async fn messages_out_of_order_and_false_acknowledgements_change_nothing() {
    let server = Server::start().await;
    let (mut machine, mut peer, _) = connected(&server, "").await;
    peer.say(FromServer::Challenge { nonce: [0; 32], server_time_us: 0 }).await;
    peer.say(FromServer::Ack { lane: Lane::Metrics, seq: u64::MAX }).await;
    peer.say(FromServer::Job(SignedJob { bytes: vec![], signature: Signature([0; 64]) })).await;
    peer.say(FromServer::FactsResend { section: "../../etc/passwd".into() }).await;
    let found = peer.find(|message| match message {
        agent_proto::FromAgent::Durable { lane: Lane::Metrics, seq, .. } => Some(*seq),
        _ => None,
    });
    assert!(found.await > 0);
    assert!(machine.log().contains("out of order"));
    assert!(machine.end().await);
}
