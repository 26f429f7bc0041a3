//! TLS: a connection whose certificate is kept to be judged, and the look at a certificate itself.

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::{CertificateError, ClientConfig, Error, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::der::{self, Certificate};
use crate::talk::{self, Talk};
use crate::text::ms;
use crate::{Around, Seen, guard};
use trust::Presented;

pub mod trust;

/// Where the common distributions keep the certificate authorities of the machine.
const AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// How a plain connection becomes a secure one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StartTls {
    /// It is secure from the first byte.
    #[default]
    None,
    /// After `STARTTLS` of SMTP (RFC 3207).
    Smtp,
    /// After `STARTTLS` of IMAP (RFC 9051, section 6.2.1).
    Imap,
}

/// A certificate is good and stays so for a while. Value: days until it ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Tls {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// The name that is asked for and that the certificate must be for; the host if absent.
    pub server_name: Option<String>,
    /// What has to be said before the connection is secure.
    pub starttls: StartTls,
    /// Fewest days that must be left.
    pub min_days: u32,
    /// Any issuer will do, the certificate itself included.
    pub any_issuer: bool,
    /// The certificate may be for any name.
    pub any_name: bool,
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 443,
            server_name: None,
            starttls: StartTls::None,
            min_days: 14,
            any_issuer: false,
            any_name: false,
        }
    }
}

/// What a server showed.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// Its certificates in DER form, its own first.
    pub chain: Vec<CertificateDer<'static>>,
    /// Why the machine's authorities do not vouch for it; nothing when they do.
    pub wrong: Option<String>,
}

impl Shown {
    /// The server's own certificate.
    pub fn certificate(&self) -> Option<Certificate> {
        self.chain.first().and_then(|der| der::read(der))
    }
}

/// Secures a connection. Unless any certificate will do, one that the machine's authorities do not vouch for is an error,
/// so that nothing is said to who only pretends.
///
/// # Errors
/// In words: what went wrong, or why the certificate is not trusted.
pub async fn secure<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    name: &str,
    any_certificate: bool,
) -> Result<(TlsStream<S>, Shown), String> {
    let asked = ServerName::try_from(name.to_owned()).map_err(|_| format!("{name} cannot be verified"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = if any_certificate { None } else { Some(system()?) };
    let kept = Arc::new(Mutex::new(Shown::default()));
    let keeper = {
        let kept = kept.clone();
        trust::verifier(provider.clone(), move |peer| keep(&kept, verifier.as_deref(), peer))
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(keeper)
        .with_no_client_auth();
    let connected = TlsConnector::from(Arc::new(config)).connect(asked, stream).await;
    let shown = std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner));
    match (connected, &shown.wrong) {
        (_, Some(wrong)) => Err(format!("the certificate of {name} is not trusted: {wrong}")),
        (Err(e), None) => Err(format!("TLS with {name}: {}", guard::plain(&e))),
        (Ok(stream), None) => Ok((stream, shown)),
    }
}

/// Keeps what the server showed, and what the machine's authorities say to it; without authorities any will do.
fn keep(shown: &Mutex<Shown>, authorities: Option<&WebPkiServerVerifier>, peer: &Presented<'_>) -> Result<(), Error> {
    let verdict = authorities.map_or(Ok(()), |authorities| peer.judged_by(authorities));
    let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
    let chain = std::iter::once(peer.certificate).chain(peer.intermediates);
    shown.chain = chain.take(10).map(|der| der.clone().into_owned()).collect();
    shown.wrong = verdict.as_ref().err().map(|error| words(error, shown.certificate().as_ref()));
    verdict
}

/// Why a certificate is not trusted, in words.
fn words(error: &Error, certificate: Option<&Certificate>) -> String {
    let Error::InvalidCertificate(why) = error else { return error.to_string() };
    let names = || certificate.map(Certificate::is_for_words).unwrap_or_default();
    let ends = certificate.map(|read| der::day(read.not_after_s)).unwrap_or_default();
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => format!("it ended on {ends}"),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "it does not hold yet".into(),
        CertificateError::UnknownIssuer => {
            let issuer = certificate.map(|read| read.issuer.clone()).unwrap_or_default();
            format!("it was issued by {issuer:?}, and no authority that this machine trusts leads there")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("it is for {}", names())
        }
        CertificateError::Revoked => "it was revoked".into(),
        other => other.to_string(),
    }
}

/// The machine's authorities, read once, at the first need: most agents never have one.
fn system() -> Result<Arc<WebPkiServerVerifier>, String> {
    static VERIFIER: OnceLock<Arc<WebPkiServerVerifier>> = OnceLock::new();
    if let Some(verifier) = VERIFIER.get() {
        return Ok(verifier.clone());
    }
    let path = AUTHORITIES.iter().map(Path::new).find(|path| path.exists());
    let path = path.ok_or("this machine has no list of certificate authorities; install ca-certificates")?;
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(path).map_err(|e| format!("{}: {e}", path.display()))?;
    roots.add_parsable_certificates(certificates.flatten());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    let verifier = verifier.map_err(|e| format!("the authorities of this machine cannot be used: {e}"))?;
    Ok(VERIFIER.get_or_init(|| verifier).clone())
}

/// Looks at a server's certificate.
pub(crate) async fn look(tls: &Tls, around: &Around) -> Seen {
    let name = tls.server_name.as_deref().unwrap_or(&tls.host);
    let connected = match guard::connect(&tls.host, tls.port, around.allowed).await {
        Ok(connected) => connected,
        Err(e) => return Seen::bad(None, e),
    };
    let mut talk = Talk::plain(connected.stream);
    let ready = match tls.starttls {
        StartTls::None => Ok(()),
        StartTls::Smtp => talk::smtp_starttls(&mut talk).await.map(|_| ()),
        StartTls::Imap => talk::imap_starttls(&mut talk).await,
    };
    let start = std::time::Instant::now();
    let shown = match ready {
        Ok(()) => talk.secure(name, tls.any_issuer || tls.any_name).await,
        Err(e) => Err(e),
    };
    let seen = match shown {
        Ok(shown) => judge(tls, name, shown.certificate(), around.now_s),
        Err(e) => Seen::bad(None, e),
    };
    seen.figure("connect_ms", ms(connected.connected)).figure("tls_ms", ms(start.elapsed()))
}

/// Judges the certificate of a server whose chain is trusted, or need not be.
fn judge(tls: &Tls, name: &str, certificate: Option<Certificate>, now_s: i64) -> Seen {
    let Some(certificate) = certificate else {
        return Seen::bad(None, "the server showed no certificate that can be read");
    };
    let days = (certificate.not_after_s.saturating_sub(now_s)) as f64 / 86_400.0;
    let ends = der::day(certificate.not_after_s);
    let wrong = if days < 0.0 {
        Some(format!("the certificate of {name} ended on {ends}"))
    } else if now_s < certificate.not_before_s {
        Some(format!("the certificate of {name} holds from {} only", der::day(certificate.not_before_s)))
    } else if !tls.any_name && !certificate.is_for(name) {
        Some(format!("the certificate is not for {name} but for {}", certificate.is_for_words()))
    } else if days < f64::from(tls.min_days) {
        Some(format!(
            "the certificate of {name} ends on {ends}, in {:.0} days; at least {} should be left",
            days.floor(),
            tls.min_days
        ))
    } else {
        None
    };
    let fine = format!(
        "the certificate of {name} holds until {ends}, {:.0} more days; issued by {}",
        days.floor(),
        certificate.issuer
    );
    Seen::judged(days, wrong, fine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;

    fn certificate() -> Certificate {
        Certificate {
            issuer: "Example CA".into(),
            not_before_s: 0,
            not_after_s: 100 * 86_400,
            names: vec!["www.example.org".into()],
            ..Certificate::default()
        }
    }

    #[test]
    fn a_certificate_is_judged_by_dates_and_name() {
        let tls = Tls::default();
        for (name, now_days, outcome, part) in [
            ("www.example.org", 10, Outcome::Good, "holds until 1970-04-11, 90 more days; issued by Example CA"),
            ("www.example.org", 87, Outcome::Bad, "in 13 days; at least 14"),
            ("www.example.org", 101, Outcome::Bad, "ended on 1970-04-11"),
            ("www.example.org", -1, Outcome::Bad, "holds from 1970-01-01 only"),
            ("other.example.org", 10, Outcome::Bad, "but for www.example.org"),
        ] {
            let seen = judge(&tls, name, Some(certificate()), now_days * 86_400);
            assert_eq!(seen.outcome, outcome, "{}", seen.evidence);
            assert!(seen.evidence.contains(part), "{}", seen.evidence);
        }
        assert_eq!(judge(&tls, "x", None, 0).value, None);
    }
}
