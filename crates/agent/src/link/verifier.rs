//! Whom to trust. At enrolment only the authority whose fingerprint the token carries; afterwards only those of the
//! bundle. Names, IP addresses and times are checked by webpki either way, never by us.

use std::sync::Arc;

use agent_proto::certificate_digest;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

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
        Trust::Pinned(sha256) => Ok(Arc::new(PinnedAuthority { sha256: *sha256, provider })),
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

#[derive(Debug)]
struct PinnedAuthority {
    sha256: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinnedAuthority {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let pinned = intermediates.iter().find(|der| certificate_digest(der) == self.sha256);
        let Some(pinned) = pinned else {
            return Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
        };
        verifier_for(std::iter::once(pinned.clone()), self.provider.clone())
            .map_err(Error::General)?
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
