//! TLS towards others: the certificate authorities of the machine or those that are given, a certificate of our own, and
//! another name than the address if need be.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::error::{Error, Result};

/// Where the common distributions keep the certificate authorities of the machine.
const AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// How a server proves who it is, and we who we are.
#[derive(Clone, Debug)]
pub struct Tls {
    pub(super) config: Arc<ClientConfig>,
    pub(super) server_name: Option<String>,
}

/// What is asked of TLS.
#[derive(Clone, Copy, Debug, Default)]
pub struct TlsOptions<'a> {
    /// Certificate authorities instead of the machine's, PEM.
    pub authorities: Option<&'a str>,
    /// A certificate of our own, PEM, and its key.
    pub certificate: Option<(&'a str, &'a str)>,
    /// The name that the server's certificate must prove, when it is not the address.
    pub server_name: Option<&'a str>,
    /// Take any certificate.
    pub any_certificate: bool,
}

impl Tls {
    /// Reads certificates and keys.
    ///
    /// # Errors
    /// The field `tls_ca`, `tls_certificate` or `tls_key` does not fit.
    pub fn new(options: &TlsOptions<'_>) -> Result<Self> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::internal("tls-versions", error))?;
        let builder = if options.any_certificate {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        } else {
            builder.with_root_certificates(roots(options.authorities)?)
        };
        let config = match options.certificate {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = certificates("tls_certificate", certificate)?;
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
                    .map_err(|_| Error::invalid("tls_key", "This is no private key. Give it as PEM."))?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| Error::invalid("tls_key", format!("Certificate and key do not fit: {error}.")))?
            }
        };
        Ok(Self { config: Arc::new(config), server_name: options.server_name.map(str::to_owned) })
    }
}

fn certificates(field: &str, pem: &str) -> Result<Vec<CertificateDer<'static>>> {
    let wrong =
        || Error::invalid(field, "This is no certificate. Give it as PEM, beginning with -----BEGIN CERTIFICATE.");
    let all: Vec<_> =
        CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<std::result::Result<_, _>>().map_err(|_| wrong())?;
    if all.is_empty() { Err(wrong()) } else { Ok(all) }
}

fn roots(authorities: Option<&str>) -> Result<Arc<RootCertStore>> {
    let Some(pem) = authorities else { return of_machine() };
    let mut roots = RootCertStore::empty();
    for certificate in certificates("tls_ca", pem)? {
        roots
            .add(certificate)
            .map_err(|error| Error::invalid("tls_ca", format!("A certificate cannot be used: {error}.")))?;
    }
    Ok(Arc::new(roots))
}

/// Read once, when they are needed first.
fn of_machine() -> Result<Arc<RootCertStore>> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    if let Some(roots) = ROOTS.get() {
        return Ok(roots.clone());
    }
    let none = "This machine has no list of certificate authorities. Install ca-certificates, or give the authority.";
    let path = AUTHORITIES.iter().map(Path::new).find(|path| path.exists());
    let path = path.ok_or_else(|| Error::unavailable(none))?;
    let found = CertificateDer::pem_file_iter(path)
        .map_err(|error| Error::unavailable(format!("{} cannot be read: {error}.", path.display())))?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.flatten());
    Ok(ROOTS.get_or_init(|| Arc::new(roots)).clone())
}

/// Takes the certificate of anybody, as whoever configured it wanted; signatures are checked all the same.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
