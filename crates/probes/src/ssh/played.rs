//! A server that shows its key as it should, and one that shows another's.

use std::time::Duration;

use base64::Engine as _;
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::key::VERSION;
use super::wire::{put, put_number, receive, send, take};
use super::*;
use crate::{Look, Memory, Outcome};

const SERVER: &str = "SSH-2.0-OpenSSH_9.2p1 Debian-2";

/// The key of a seed as it is shown, and its fingerprint.
fn key(seed: u8) -> (Vec<u8>, String) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
    let mut blob = Vec::new();
    put(&mut blob, b"ssh-ed25519");
    put(&mut blob, pair.public_key().as_ref());
    let print = base64::engine::general_purpose::STANDARD_NO_PAD.encode(digest(&SHA256, &blob));
    (blob, format!("SHA256:{print}"))
}

async fn converse(stream: tokio::net::TcpStream, shows: u8, signs: u8) -> Result<(), String> {
    let mut talk = Talk::plain(stream);
    talk.say(format!("Welcome\r\n{SERVER}\r\n").as_bytes()).await?;
    assert_eq!(talk.line().await?, VERSION);
    let mut ours = vec![20];
    ours.extend_from_slice(&[3; 16]);
    for list in ["curve25519-sha256", "rsa-sha2-512,ssh-ed25519", "a", "a", "m", "m", "none", "none", "", ""] {
        put(&mut ours, list.as_bytes());
    }
    ours.extend_from_slice(&[0; 5]);
    send(&mut talk, &ours).await?;
    let theirs = receive(&mut talk).await?;
    let question = receive(&mut talk).await?;
    let their_public = take(&mut question.strip_prefix(&[30]).unwrap()).unwrap().to_vec();
    let random = SystemRandom::new();
    let secret = EphemeralPrivateKey::generate(&X25519, &random).unwrap();
    let public = secret.compute_public_key().unwrap();
    let (blob, _) = key(shows);
    let mut text = Vec::new();
    for part in [VERSION.as_bytes(), SERVER.as_bytes(), &theirs, &ours, &blob, &their_public, public.as_ref()] {
        put(&mut text, part);
    }
    let shared = UnparsedPublicKey::new(&X25519, &their_public);
    agree_ephemeral(secret, &shared, |shared| put_number(&mut text, shared)).unwrap();
    let pair = Ed25519KeyPair::from_seed_unchecked(&[signs; 32]).unwrap();
    let mut signed = Vec::new();
    put(&mut signed, b"ssh-ed25519");
    put(&mut signed, pair.sign(digest(&SHA256, &text).as_ref()).as_ref());
    let mut answer = vec![31];
    put(&mut answer, &blob);
    put(&mut answer, public.as_ref());
    put(&mut answer, &signed);
    // What says nothing may come in between.
    send(&mut talk, &[2, 0, 0, 0, 0]).await?;
    send(&mut talk, &answer).await
}

async fn seen(shows: u8, signs: u8, expected: &str) -> Seen {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = converse(stream, shows, signs).await;
        }
    });
    let ssh = Ssh { host: "127.0.0.1".into(), port, host_key: Some(expected.into()), ..Ssh::default() };
    let around = Around::default();
    let seen = crate::look(&Look::Ssh(ssh), &around, &mut Memory::default(), Duration::from_secs(20)).await;
    server.abort();
    seen
}

#[tokio::test]
async fn the_host_key_is_learned_from_an_exchange_and_compared() {
    let expected = key(7).1;
    let good = seen(7, 7, &expected).await;
    assert_eq!(good.outcome, Outcome::Good, "{}", good.evidence);
    assert!(good.evidence.starts_with(SERVER) && good.evidence.contains(&expected), "{}", good.evidence);
}

#[tokio::test]
async fn a_server_with_another_key_is_bad_and_its_key_is_named() {
    let seen = seen(8, 8, &key(7).1).await;
    let words = format!("the host key is {}, not {}", key(8).1, key(7).1);
    assert_eq!((seen.outcome, seen.evidence), (Outcome::Bad, words));
}

#[tokio::test]
async fn a_key_that_is_shown_and_not_owned_is_bad() {
    let seen = seen(7, 8, &key(7).1).await;
    assert!(seen.outcome == Outcome::Bad && seen.evidence.contains("does not prove"), "{}", seen.evidence);
}
