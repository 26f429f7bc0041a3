//! What a configuration says of credentials and TLS.

use serde_json::Value;

use super::{Job, text};
use crate::scrape::plan::Secrets;

/// What stands in a file of its own.
pub(in crate::scrape) const USERNAME_FILE: &str = "basic_auth.username_file";
pub(in crate::scrape) const CA_FILE: &str = "tls_config.ca_file";
pub(in crate::scrape) const CERTIFICATE_FILE: &str = "tls_config.cert_file";

/// Those of a job's secrets of which the file says that they are in files of their own.
pub(in crate::scrape) fn pointed_at(job: &Job, secrets: &Secrets) -> Secrets {
    let any = |keys: [&str; 2]| keys.iter().any(|key| job.lacks.contains(*key));
    let own = secrets.clone();
    Secrets {
        bearer_token: own.bearer_token.filter(|_| any(["authorization.credentials_file", "bearer_token_file"])),
        password: own.password.filter(|_| any(["basic_auth.password_file", USERNAME_FILE])),
        tls_key: own.tls_key.filter(|_| any(["tls_config.key_file", CERTIFICATE_FILE])),
    }
}

/// A field as text. What is none is never shown: it may be a secret.
fn field(job: &mut Job, key: &str, value: &Value) -> Option<String> {
    let says = text(value);
    if says.is_none() && !value.is_null() {
        job.lacks(key, format!("{key}: it is no text; write it in quotes."));
    }
    says
}

/// User and password, or a token.
pub(super) fn authorization(job: &mut Job, key: &str, value: &Value) {
    if key == "bearer_token" {
        job.secrets.bearer_token = field(job, key, value);
        return;
    }
    let Some(fields) = value.as_object().filter(|_| key != "bearer_token_file") else {
        return job.lacks(key, format!("{key}: it was left out; give the credentials to the job."));
    };
    let kind = value.get("type").and_then(Value::as_str).unwrap_or("Bearer");
    if key == "authorization" && !kind.eq_ignore_ascii_case("bearer") {
        let words = format!("authorization: the type {kind} is not there; only Bearer and basic_auth are.");
        return job.lacks(key, words);
    }
    for (name, value) in fields {
        let at = format!("{key}.{name}");
        match (key, name.as_str()) {
            ("basic_auth", "username") => job.spec.username = field(job, &at, value),
            ("basic_auth", "password") => job.secrets.password = field(job, &at, value),
            ("authorization", "credentials") => job.secrets.bearer_token = field(job, &at, value),
            ("authorization", "type") => {}
            (_, file) if file.ends_with("_file") => {
                job.lacks(&at, format!("{at}: files with credentials are not read; give the credentials to the job."));
            }
            _ => job.lacks(&at, format!("{at}: it was left out.")),
        }
    }
}

/// TLS towards targets.
pub(super) fn tls(job: &mut Job, value: &Value) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let at = format!("tls_config.{name}");
        match (name.as_str(), value.as_bool()) {
            ("ca", _) => job.spec.tls.ca = field(job, &at, value),
            ("cert", _) => job.spec.tls.certificate = field(job, &at, value),
            ("key", _) => job.secrets.tls_key = field(job, &at, value),
            ("server_name", _) => job.spec.tls.server_name = field(job, &at, value),
            ("insecure_skip_verify", Some(any)) => job.spec.tls.any_certificate = any,
            ("insecure_skip_verify", None) => job.lacks(&at, format!("{at}: it is neither true nor false.")),
            ("ca_file" | "cert_file" | "key_file", _) => {
                job.lacks(&at, format!("{at}: files are not read; give what is in it to the job."));
            }
            _ => job.note(format!("{at}: it was left out.")),
        }
    }
}
