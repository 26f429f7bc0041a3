//! Whom a TLS connection trusts, as a function: signatures of the handshake are checked as always, and who may be the
//! other end is the caller's to say.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

/// What a server presents.
#[derive(Debug)]
pub struct Presented<'a> {
    /// Its own certificate.
    pub certificate: &'a CertificateDer<'a>,
    /// Those that lead from it to an authority.
    pub intermediates: &'a [CertificateDer<'a>],
    name: &'a ServerName<'a>,
    ocsp: &'a [u8],
    now: UnixTime,
}

impl Presented<'_> {
    /// What another judge says to it.
    ///
    /// # Errors
    /// Why it is not trusted.
    pub fn judged_by(&self, judge: &dyn ServerCertVerifier) -> Result<(), Error> {
        judge.verify_server_cert(self.certificate, self.intermediates, self.name, self.ocsp, self.now).map(|_| ())
    }
}

struct Judge<F> {
    provider: Arc<CryptoProvider>,
    judge: F,
}

/// A verifier that trusts whom `judge` trusts.
pub fn verifier(
    provider: Arc<CryptoProvider>,
    judge: impl Fn(&Presented<'_>) -> Result<(), Error> + Send + Sync + 'static,
) -> Arc<dyn ServerCertVerifier> {
    Arc::new(Judge { provider, judge })
}

impl<F> fmt::Debug for Judge<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Judge")
    }
}

impl<F: Fn(&Presented<'_>) -> Result<(), Error> + Send + Sync> ServerCertVerifier for Judge<F> {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        (self.judge)(&Presented { certificate, intermediates, name, ocsp, now })?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
