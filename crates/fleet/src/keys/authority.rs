//! Certificates: the authority and the server's own, ECDSA P-256 (RFC 5480), made with rcgen.

use std::time::Duration;

use kernel::time::SECOND;
use kernel::{Error, Result, Time};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// How long the authority lasts, in days.
pub(super) const AUTHORITY_DAYS: i64 = 3_650;
/// How long the server's certificate lasts, in days.
pub(super) const LEAF_DAYS: i64 = 365;

/// A certificate with its private key in PKCS #8 form.
pub(super) struct Authority {
    pub(super) der: Vec<u8>,
    pub(super) key: Vec<u8>,
}

impl Authority {
    pub(super) fn make(now: Time) -> Result<Self> {
        let key = KeyPair::generate().map_err(|error| failed(&error))?;
        let certificate = authority(now, &key)?.self_signed(&key).map_err(|error| failed(&error))?;
        Ok(Self { der: certificate.der().to_vec(), key: key.serialize_der() })
    }
}

fn failed(error: &rcgen::Error) -> Error {
    Error::internal("certificate", error)
}

fn validity(params: &mut CertificateParams, now: Time, days: i64) {
    let day = 86_400;
    let seconds = u64::try_from(now.0.div_euclid(SECOND)).unwrap_or(0);
    let start = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = start + Duration::from_secs(seconds.saturating_sub(day));
    params.not_after = start + Duration::from_secs(seconds.saturating_add(days.unsigned_abs() * day));
}

/// The subject holds a part of the key's hash, so that two authorities never share a name.
fn authority(now: Time, key: &KeyPair) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new()).map_err(|error| failed(&error))?;
    let fingerprint: String = kernel::text::sha256_hex(key.public_key_raw()).chars().take(12).collect();
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, format!("Mainstay agents {fingerprint}"));
    params.distinguished_name = name;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    validity(&mut params, now, AUTHORITY_DAYS);
    Ok(params)
}

/// The server's certificate for these names, signed by the authority of this key.
pub(super) fn leaf(authority_key: &[u8], names: &[String], now: Time) -> Result<Authority> {
    let der = rustls::pki_types::PrivateKeyDer::Pkcs8(authority_key.to_vec().into());
    let authority_pair = KeyPair::try_from(&der).map_err(|error| failed(&error))?;
    let issuer = Issuer::new(authority(now, &authority_pair)?, authority_pair);
    let mut params = CertificateParams::new(names.to_vec()).map_err(|error| failed(&error))?;
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, "Mainstay server");
    params.distinguished_name = name;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    validity(&mut params, now, LEAF_DAYS);
    let key = KeyPair::generate().map_err(|error| failed(&error))?;
    let certificate = params.signed_by(&key, &issuer).map_err(|error| failed(&error))?;
    Ok(Authority { der: certificate.der().to_vec(), key: key.serialize_der() })
}
