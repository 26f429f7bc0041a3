//! Whom to trust. At enrolment only the authority whose fingerprint the token carries; afterwards only those of the
//! bundle. Names, IP addresses and times are checked by webpki either way, never by us.

use std::sync::Arc;

use agent_proto::certificate_digest;
use probes::tls::trust::{Presented, verifier};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::{CertificateError, Error, RootCertStore};
use rustls_pki_types::CertificateDer;

/// Whom to trust.
#[derive(Debug, Clone)]
pub(crate) enum Trust {
    /// The authority with this SHA-256, which the server has to present in its chain.
    Pinned([u8; 32]),
    /// These authorities, in DER form.
    Bundle(Vec<Vec<u8>>),
}

pub(super) fn new(trust: &Trust, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, String> {
    match trust {
        Trust::Pinned(sha256) => {
            let (sha256, checks) = (*sha256, provider.clone());
            Ok(verifier(provider, move |peer| judge(&sha256, &checks, peer)))
        }
        Trust::Bundle(bundle) => {
            let ders = bundle.iter().map(|der| CertificateDer::from(der.as_slice()));
            Ok(verifier_for(ders, provider).map_err(|e| format!("the trust bundle cannot be used: {e}"))?)
        }
    }
}

/// Is there at least one certificate in the bundle that can serve as an authority?
pub(crate) fn is_usable(bundle: &[Vec<u8>]) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(bundle.iter().map(|der| CertificateDer::from(der.as_slice()))).0 > 0
}

fn verifier_for<'a>(
    authorities: impl Iterator<Item = CertificateDer<'a>>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities);
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().map_err(|e| e.to_string())
}

/// Only a chain that leads to the pinned authority, which the server presents itself.
fn judge(sha256: &[u8; 32], provider: &Arc<CryptoProvider>, peer: &Presented<'_>) -> Result<(), Error> {
    let pinned = peer.intermediates.iter().find(|der| certificate_digest(der) == *sha256);
    let pinned = pinned.ok_or(Error::InvalidCertificate(CertificateError::UnknownIssuer))?;
    let authority = verifier_for(std::iter::once(pinned.clone()), provider.clone()).map_err(Error::General)?;
    peer.judged_by(&*authority)
}
