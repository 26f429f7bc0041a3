//! Mail: one message, one recipient, plain text.

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::{Mailbox, header::ContentType};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Message, SmtpTransport, Transport};

use super::Outgoing;
use super::deliver::Tried;
use super::settings::{Smtp, SmtpTls};
use crate::time::Time;

/// The name of the sealed password.
pub(super) const PASSWORD: &str = "kernel.smtp.password";

/// How long a mail server may take for one answer, unless somebody is in a hurry.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// Answers by which a mail server takes nothing from us now, whoever is written to (RFC 5321, RFC 4954): it closes, or it
/// does not let us in.
const TAKES_NOTHING: [&str; 6] = ["421", "454", "530", "534", "535", "538"];

pub(super) fn send(
    settings: &Smtp,
    password: Option<&[u8]>,
    message: &Outgoing,
    now: Time,
    patience: Duration,
) -> Tried {
    if settings.host.is_empty() {
        return Tried::nothing_passes("No mail server is set. Set kernel.smtp.");
    }
    let mail = match mail(settings, message, now) {
        Ok(mail) => mail,
        Err(why) => return Tried::never(why),
    };
    let transport = match transport(settings, password, patience) {
        Ok(transport) => transport,
        Err(why) => return Tried::nothing_passes(why),
    };
    match transport.send(&mail) {
        Ok(answer) => {
            let text: Vec<&str> = answer.message().collect();
            Tried { ok: true, again: false, whole: false, answer: format!("{} {}", answer.code(), text.join(" ")) }
        }
        Err(error) => {
            let mut text = error.to_string();
            if let Some(source) = std::error::Error::source(&error) {
                text = format!("{text}: {source}");
            }
            if error.is_client() {
                return Tried::never(text);
            }
            let whole = error.status().is_none_or(|code| TAKES_NOTHING.contains(&code.to_string().as_str()));
            Tried { ok: false, again: whole || !error.is_permanent(), whole, answer: text }
        }
    }
}

fn mail(settings: &Smtp, message: &Outgoing, now: Time) -> Result<Message, String> {
    let from: Mailbox = settings.from.parse().map_err(|error| format!("The sender is not an address: {error}"))?;
    let to: Mailbox = message.recipient.parse().map_err(|error| format!("The recipient is not an address: {error}"))?;
    let id = format!("<notification-{}-{}@{}>", message.id, message.at.0, from.email.domain());
    let at = UNIX_EPOCH + Duration::from_micros(u64::try_from(now.0).unwrap_or(0));
    Message::builder()
        .from(from)
        .to(to)
        .subject(message.subject.replace(['\r', '\n'], " "))
        .message_id(Some(id))
        .date(at)
        .header(ContentType::TEXT_PLAIN)
        .body(message.body.clone())
        .map_err(|error| format!("The message cannot be written: {error}"))
}

fn transport(settings: &Smtp, password: Option<&[u8]>, patience: Duration) -> Result<SmtpTransport, String> {
    let (tls, usual) = match settings.tls {
        SmtpTls::Wrapped => (Tls::Wrapper(parameters(settings)?), 465),
        SmtpTls::Starttls => (Tls::Required(parameters(settings)?), 587),
        SmtpTls::None => (Tls::None, 25),
    };
    let port = if settings.port == 0 { usual } else { settings.port };
    let mut builder = SmtpTransport::builder_dangerous(&settings.host).port(port).tls(tls).timeout(Some(patience));
    if !settings.user.is_empty() {
        let password = password.ok_or("The mail server wants a password and none is set.")?;
        let password = String::from_utf8_lossy(password).into_owned();
        builder = builder.credentials(Credentials::new(settings.user.clone(), password));
    }
    Ok(builder.build())
}

fn parameters(settings: &Smtp) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(settings.host.clone());
    if !settings.ca_pem.is_empty() {
        let authority = Certificate::from_pem(settings.ca_pem.as_bytes())
            .map_err(|error| format!("The certificate authority cannot be read: {error}"))?;
        builder = builder.add_root_certificate(authority);
    }
    builder.build_rustls().map_err(|error| format!("TLS cannot be set up: {error}"))
}
