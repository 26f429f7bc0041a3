//! A mail server takes mail (SMTP, RFC 5321), a mailbox server lets people in (IMAP, RFC 9051); with a login if one is
//! given, and never without a secure connection then, unless that is asked for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::talk::{self, Talk};
use crate::text::{ms, shorten, too_slow};
use crate::{Around, Secret, Seen, guard};

/// How the connection is secured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// After `STARTTLS`.
    #[default]
    Starttls,
    /// From the first byte.
    Tls,
    /// Not at all; a password would be readable on the way.
    None,
}

/// A mail or mailbox server answers, and lets in who has an account. Value: milliseconds for all of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Mail {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How the connection is secured.
    pub security: Security,
    /// Any certificate will do.
    pub any_certificate: bool,
    /// The account to sign in with.
    pub user: Option<String>,
    /// Its password.
    #[serde(skip_serializing_if = "Secret::is_none")]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub password: Secret,
    /// A text that the greeting must hold.
    pub expect: Option<String>,
    /// Longest time for all of it, in milliseconds.
    pub max_ms: Option<u32>,
}

/// Looks at a mail server.
pub(crate) async fn smtp(mail: &Mail, around: &Around) -> Seen {
    let start = std::time::Instant::now();
    let spoken = speak_smtp(mail, around).await;
    judge(mail, "mail server", spoken, ms(start.elapsed()))
}

/// Looks at a mailbox server.
pub(crate) async fn imap(mail: &Mail, around: &Around) -> Seen {
    let start = std::time::Instant::now();
    let spoken = speak_imap(mail, around).await;
    judge(mail, "mailbox server", spoken, ms(start.elapsed()))
}

async fn speak_smtp(mail: &Mail, around: &Around) -> Result<String, String> {
    let mut talk = Talk::plain(guard::connect(&mail.host, mail.port, around.allowed).await?.stream);
    let banner = match mail.security {
        Security::Starttls => {
            let banner = talk::smtp_starttls(&mut talk).await?;
            talk.secure(&mail.host, mail.any_certificate).await?;
            banner
        }
        Security::Tls => {
            talk.secure(&mail.host, mail.any_certificate).await?;
            talk::smtp_reply(&mut talk, 220, "the connection").await?.first().to_owned()
        }
        Security::None => talk::smtp_reply(&mut talk, 220, "the connection").await?.first().to_owned(),
    };
    talk::smtp_hello(&mut talk).await?;
    if let Some(user) = &mail.user {
        // RFC 4616: PLAIN.
        let words = STANDARD.encode(format!("\0{user}\0{}", mail.password.reveal()));
        talk.say(format!("AUTH PLAIN {words}\r\n").as_bytes()).await?;
        talk::smtp_reply(&mut talk, 235, "the login").await?;
    }
    // A polite end; whether it is heard changes nothing.
    let _ = talk.say(b"QUIT\r\n").await;
    Ok(banner)
}

async fn speak_imap(mail: &Mail, around: &Around) -> Result<String, String> {
    let mut talk = Talk::plain(guard::connect(&mail.host, mail.port, around.allowed).await?.stream);
    let greeting = match mail.security {
        Security::Starttls => {
            let greeting = talk::imap_greeting(&mut talk).await?;
            talk::imap_command(&mut talk, "a1", "STARTTLS", "STARTTLS").await?;
            talk.secure(&mail.host, mail.any_certificate).await?;
            greeting
        }
        Security::Tls => {
            talk.secure(&mail.host, mail.any_certificate).await?;
            talk::imap_greeting(&mut talk).await?
        }
        Security::None => talk::imap_greeting(&mut talk).await?,
    };
    talk::imap_command(&mut talk, "a2", "CAPABILITY", "CAPABILITY").await?;
    if let Some(user) = &mail.user {
        let login = format!("LOGIN {} {}", quoted(user)?, quoted(mail.password.reveal())?);
        talk::imap_command(&mut talk, "a3", &login, "the login").await?;
    }
    let _ = talk.say(b"a4 LOGOUT\r\n").await;
    Ok(greeting)
}

/// A quoted text of IMAP.
fn quoted(text: &str) -> Result<String, String> {
    if text.chars().any(|c| c.is_control() || !c.is_ascii()) {
        return Err("a name or password with letters that are not ASCII cannot be sent".into());
    }
    Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

fn judge(mail: &Mail, what: &str, spoken: Result<String, String>, took: f64) -> Seen {
    let greeting = match spoken {
        Ok(greeting) => greeting,
        Err(e) => return Seen::bad(None, e),
    };
    let missing = mail.expect.as_ref().filter(|expect| !greeting.contains(expect.as_str()));
    let wrong = missing
        .map(|expect| format!("the greeting {:?} does not contain {expect:?}", shorten(&greeting, 150)))
        .or_else(|| too_slow("the conversation", took, mail.max_ms));
    let who = if mail.user.is_some() { " and takes the login" } else { "" };
    Seen::judged(took, wrong, format!("the {what} {} answers{who}: {}", mail.host, shorten(&greeting, 150)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;

    #[test]
    fn a_conversation_is_judged_by_its_greeting_and_its_time() {
        let mail = Mail { host: "mx".into(), expect: Some("ESMTP".into()), max_ms: Some(500), ..Mail::default() };
        let told = |greeting: &str, took| judge(&mail, "mail server", Ok(greeting.into()), took);
        assert_eq!(told("mx ESMTP Postfix", 10.0).outcome, Outcome::Good);
        assert!(told("mx SMTP", 10.0).evidence.contains("does not contain"));
        assert!(told("mx ESMTP", 501.0).evidence.contains("took 501 ms"));
        assert_eq!(judge(&mail, "mail server", Err("closed".into()), 1.0).outcome, Outcome::Bad);
    }

    #[test]
    fn a_password_cannot_end_its_line() {
        assert_eq!(quoted("a\"b\\c").unwrap(), "\"a\\\"b\\\\c\"");
        assert!(quoted("a\r\nb").is_err());
    }
}
