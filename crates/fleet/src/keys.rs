//! The keys of the agent link: a certificate authority of our own, the server's certificate under it, and the Ed25519
//! key that signs jobs. Private keys are sealed by the kernel; the certificate is made anew before it ends and when the
//! server's names change, without a restart.

use std::sync::{Arc, PoisonError, RwLock};

use agent_proto::{SigningKey, certificate_digest};
use kernel::settings::Setting;
use kernel::time::DAY;
use kernel::{Actor, Cx, Error, Handle, Result, Time};
use rustls::crypto::ring as provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::settings::LinkSetting;

mod authority;
mod store;

const AUTHORITY_SECRET: &str = "fleet.authority-key";
const JOB_SECRET: &str = "fleet.job-key";
const LEAF_SECRET: &str = "fleet.server-key";
/// A certificate with less time left than this is made anew.
const RENEW_MICROS: i64 = 30 * DAY;

/// The keys, in memory for as long as the server runs.
pub struct Keys {
    authority: Vec<u8>,
    job: SigningKey,
    leaf: Arc<Leaf>,
    /// Names from the command line or configuration file.
    configured: RwLock<Vec<String>>,
}

/// The certificate that the server presents, replaced while it runs.
#[derive(Debug)]
struct Leaf(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Leaf {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Keys {
    /// The authority's certificate in DER form: what agents trust.
    pub fn authority(&self) -> &[u8] {
        &self.authority
    }

    /// SHA-256 of the authority's certificate: what enrolment tokens carry.
    pub fn authority_sha256(&self) -> [u8; 32] {
        certificate_digest(&self.authority)
    }

    /// The key that signs jobs and stop orders.
    pub fn job(&self) -> &SigningKey {
        &self.job
    }
}

/// The TLS settings of the agent port: our certificate and authority, no client certificates, no session tickets (each
/// would cost an idle agent's share of memory).
///
/// # Errors
/// The keys were not opened yet.
pub fn tls_config(kernel: &Handle) -> Result<rustls::ServerConfig> {
    let keys = kernel.get::<Keys>()?;
    let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(provider::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal("tls-versions", error))?
        .with_no_client_auth()
        .with_cert_resolver(keys.leaf.clone());
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

/// Opens the keys, making what does not exist yet, and keeps them in memory.
pub(crate) fn open(kernel: &Handle) -> Result<()> {
    let (_, seed) = SigningKey::generate().ok_or_else(|| Error::internal("no-random-bytes", "job key"))?;
    let now = kernel.now();
    let made = authority::Authority::make(now)?;
    let (der, key) = (made.der.clone(), made.key.clone());
    let (authority, seed) = kernel.write_as(service(), "fleet.keys.open", move |cx| {
        let authority = match store::newest(cx.tx, "authority")? {
            Some(row) => row.der,
            None => {
                cx.put_secret(AUTHORITY_SECRET, &key)?;
                store::insert(cx.tx, "authority", &der, "", authority::AUTHORITY_DAYS, now)?;
                der.clone()
            }
        };
        let seed = match cx.secret(JOB_SECRET)? {
            Some(seed) => seed,
            None => {
                cx.put_secret(JOB_SECRET, &seed)?;
                seed.to_vec()
            }
        };
        Ok((authority, seed))
    })?;
    let seed: [u8; 32] = seed.try_into().map_err(|_| Error::internal("job-key-damaged", "not 32 bytes"))?;
    let job = SigningKey::from_seed(&seed).ok_or_else(|| Error::internal("job-key-damaged", "refused"))?;
    let leaf = Arc::new(Leaf(RwLock::new(leaf(kernel, &authority, &[])?)));
    kernel.put(Arc::new(Keys { authority, job, leaf, configured: RwLock::default() }));
    Ok(())
}

/// Makes sure that the certificate holds these names too: what the command line or the configuration file says.
///
/// # Errors
/// A name cannot stand in a certificate, or the database failed.
pub fn ensure_names(kernel: &Handle, names: &[String]) -> Result<()> {
    LinkSetting { address: String::new(), names: names.to_vec() }.check()?;
    let keys = kernel.get::<Keys>()?;
    *keys.configured.write().unwrap_or_else(PoisonError::into_inner) = names.to_vec();
    renew(kernel).map(|_| ())
}

/// Makes the server's certificate anew when it ends soon or a name is missing; answers whether it did.
///
/// # Errors
/// The database or the random source failed.
pub fn renew(kernel: &Handle) -> Result<bool> {
    let keys = kernel.get::<Keys>()?;
    let configured = keys.configured.read().unwrap_or_else(PoisonError::into_inner).clone();
    let current = leaf(kernel, &keys.authority, &configured)?;
    let mut held = keys.leaf.0.write().unwrap_or_else(PoisonError::into_inner);
    let changed = held.cert.first() != current.cert.first();
    *held = current;
    Ok(changed)
}

fn leaf(kernel: &Handle, authority: &[u8], configured: &[String]) -> Result<Arc<CertifiedKey>> {
    let now = kernel.now();
    let names = kernel.read_as(&service(), |cx| Ok(names(&cx.setting::<LinkSetting>()?, configured)))?;
    let wanted = names.join(" ");
    let held = kernel.read_as(&service(), |cx| current(cx, &names, now))?;
    let (der, key) = match held {
        Some(held) => held,
        None => {
            let key = kernel.read_as(&service(), |cx| {
                cx.secret(AUTHORITY_SECRET)?.ok_or_else(|| Error::internal("authority-key-missing", AUTHORITY_SECRET))
            })?;
            let made = authority::leaf(&key, &names, now)?;
            let (der, key) = (made.der.clone(), made.key.clone());
            kernel.write_as(service(), "fleet.keys.renew", move |cx| {
                cx.put_secret(LEAF_SECRET, &made.key)?;
                store::insert(cx.tx, "server", &made.der, &wanted, authority::LEAF_DAYS, now)
            })?;
            (der, key)
        }
    };
    let chain = vec![CertificateDer::from(der), CertificateDer::from(authority.to_vec())];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
    let signing = provider::sign::any_supported_type(&key).map_err(|error| Error::internal("server-key", error))?;
    Ok(Arc::new(CertifiedKey::new(chain, signing)))
}

/// The stored certificate and key, if they last and hold every name.
fn current(cx: &mut Cx, names: &[String], now: Time) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
    let Some(row) = store::newest(cx.tx, "server")? else { return Ok(None) };
    let holds = |name: &String| row.names.split(' ').any(|held| held == name);
    if !names.iter().all(holds) || row.not_after.since(now) < RENEW_MICROS {
        return Ok(None);
    }
    Ok(cx.secret(LEAF_SECRET)?.map(|key| (row.der, key)))
}

/// The names that agents may call the server by.
fn names(setting: &LinkSetting, configured: &[String]) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    names.extend(host_name());
    names.extend(setting.names.iter().chain(configured).cloned());
    names.extend(setting.host());
    names.sort();
    names.dedup();
    names
}

/// This machine's own name, where the system tells it.
pub(crate) fn host_name() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let name = text.trim();
    let sound = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
    sound.then(|| name.to_owned())
}

fn service() -> Actor {
    Actor::service("fleet.keys", &[])
}
