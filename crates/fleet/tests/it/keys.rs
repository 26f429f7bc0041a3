//! The server's certificate holds under its authority, for its names, and lasts.

use std::io::{Read, Write};
use std::sync::Arc;

use kernel::time::DAY;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;

use crate::machine::*;

#[derive(Debug)]
struct At(i64);

impl TimeProvider for At {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_micros(self.0.unsigned_abs())))
    }
}

/// A TLS handshake in memory; answers the server's certificate as the client saw it.
fn shake(world: &kernel::world::World, name: &str) -> Result<CertificateDer<'static>, rustls::Error> {
    let keys = world.kernel.get::<fleet::keys::Keys>().unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from(keys.authority().to_vec())).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_details(provider, Arc::new(At(world.clock.now().0)))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = rustls::ClientConnection::new(Arc::new(client), name).unwrap();
    let config = fleet::keys::tls_config(&world.kernel).unwrap();
    assert_eq!(config.send_tls13_tickets, 0);
    let mut server = rustls::ServerConnection::new(Arc::new(config)).unwrap();
    for _ in 0..20 {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        let mut there = bytes.as_slice();
        while !there.is_empty() {
            server.read_tls(&mut there).unwrap();
            server.process_new_packets()?;
        }
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        let mut back = bytes.as_slice();
        while !back.is_empty() {
            client.read_tls(&mut back).unwrap();
            client.process_new_packets()?;
        }
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    client.writer().write_all(b"x").unwrap();
    assert!(server.reader().read(&mut [0; 8]).is_err(), "nothing was sent yet");
    Ok(client.peer_certificates().unwrap()[0].clone().into_owned())
}

#[test]
fn agents_that_trust_the_authority_reach_the_server_by_every_name_it_has() {
    let world = world();
    fleet::keys::ensure_names(&world.kernel, &["mainstay.example.org".into(), "10.1.2.3".into()]).unwrap();
    for name in ["localhost", "127.0.0.1", "::1", "mainstay.example.org", "10.1.2.3"] {
        assert!(shake(&world, name).is_ok(), "{name}");
    }
    assert!(shake(&world, "other.example.org").is_err());
    assert!(fleet::keys::ensure_names(&world.kernel, &["not a name".into()]).is_err());
}

#[test]
fn the_certificate_survives_a_restart_and_is_made_anew_in_time() {
    let world = world();
    let first = shake(&world, "localhost").unwrap();
    let keys = world.kernel.get::<fleet::keys::Keys>().unwrap();
    let (authority, job) = (keys.authority().to_vec(), keys.job().public());
    drop(keys);
    let world = restart(world);
    assert_eq!(shake(&world, "localhost").unwrap(), first);
    let keys = world.kernel.get::<fleet::keys::Keys>().unwrap();
    assert_eq!((keys.authority(), keys.job().public()), (authority.as_slice(), job));
    world.pass(340 * DAY).unwrap();
    let second = shake(&world, "localhost").unwrap();
    assert_ne!(first, second);
}

#[test]
fn a_private_key_is_never_stored_in_the_clear() {
    let world = world();
    let rows = world
        .kernel
        .db
        .read(|tx| {
            tx.query("SELECT name, sealed FROM kernel_secrets ORDER BY name", &[])?
                .iter()
                .map(|row| Ok((row.text(0)?, row.bytes(1)?)))
                .collect::<kernel::Result<Vec<_>>>()
        })
        .unwrap();
    let names: Vec<&str> = rows.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["fleet.authority-key", "fleet.job-key", "fleet.server-key"]);
    assert!(rows.iter().all(|(_, sealed)| !sealed.starts_with(&[0x30])), "not a PKCS #8 sequence");
}
