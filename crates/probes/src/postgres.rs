//! As much of PostgreSQL's protocol 3.0 as a login and a simple query need (PostgreSQL documentation, "Frontend/Backend
//! Protocol"), with SCRAM-SHA-256 (RFC 5802, RFC 7677), MD5 and plain passwords; the last over TLS only.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use ring::{digest, hmac, pbkdf2};

use crate::database::{Answer, Database, MESSAGE_BYTES_MAX, MESSAGES_MAX};
use crate::mail::Security;
use crate::talk::Talk;
use crate::text::shorten;
use crate::{Around, guard};

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
const PROTOCOL: [u8; 4] = [0, 3, 0, 0];
/// A server that asks for more rounds than this wants our time, not our password.
const ROUNDS_MAX: u32 = 200_000;

/// Signs in and asks.
pub(crate) async fn ask(database: &Database, around: &Around) -> Result<Answer, String> {
    let mut talk = Talk::plain(guard::connect(&database.host, database.port, around.allowed).await?.stream);
    let secure = database.security != Security::None;
    if secure {
        talk.say(&SSL_REQUEST).await?;
        if talk.exactly(1).await?.first() != Some(&b'S') {
            return Err("the server does not offer TLS; choose security none if that is meant".into());
        }
        talk.secure(&database.host, database.any_certificate).await?;
    }
    talk.say(&startup(database)).await?;
    let version = sign_in(&mut talk, database, secure).await?;
    query(&mut talk, "SET default_transaction_read_only = on").await?;
    let answer = query(&mut talk, database.query()).await?;
    let _ = talk.say(&[b'X', 0, 0, 0, 4]).await;
    Ok(Answer { version, ..answer })
}

fn startup(database: &Database) -> Vec<u8> {
    let user = database.user.as_deref().unwrap_or("postgres");
    let mut body = PROTOCOL.to_vec();
    for word in ["user", user, "database", database.database.as_deref().unwrap_or(user), "application_name", "mainstay"]
    {
        body.extend_from_slice(word.replace('\0', "").as_bytes());
        body.push(0);
    }
    body.push(0);
    with_length(&body)
}

/// The length of PostgreSQL's messages counts itself.
fn with_length(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len().saturating_add(4)).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), body].concat()
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    [vec![tag], with_length(body)].concat()
}

async fn next(talk: &mut Talk) -> Result<(u8, Vec<u8>), String> {
    let head = talk.exactly(5).await?;
    let (tag, length) = match head.as_slice() {
        [tag, a, b, c, d] => (*tag, u32::from_be_bytes([*a, *b, *c, *d])),
        _ => return Err("the answer broke off".into()),
    };
    let length =
        usize::try_from(length).unwrap_or(usize::MAX).checked_sub(4).filter(|length| *length <= MESSAGE_BYTES_MAX);
    let length = length.ok_or("this is no PostgreSQL server, or its answer is too long")?;
    let body = talk.exactly(length).await?;
    if tag == b'E' { Err(error(&body)) } else { Ok((tag, body)) }
}

/// The message of an error and its code (documentation, "Error and Notice Message Fields").
fn error(body: &[u8]) -> String {
    let field = |wanted: u8| {
        let found = body.split(|byte| *byte == 0).find(|field| field.first() == Some(&wanted));
        found
            .and_then(|field| field.get(1..))
            .map(|text| String::from_utf8_lossy(text).into_owned())
            .unwrap_or_default()
    };
    format!("the server said: {} ({})", shorten(&field(b'M'), 200), field(b'C'))
}

/// Goes on until the server is ready; answers its version.
async fn sign_in(talk: &mut Talk, database: &Database, secure: bool) -> Result<String, String> {
    let mut version = String::new();
    let mut scram: Option<Scram> = None;
    for _ in 0..MESSAGES_MAX {
        let (tag, body) = next(talk).await?;
        match tag {
            b'R' => {
                if let Some(answer) = authentication(&body, database, secure, &mut scram)? {
                    talk.say(&message(b'p', &answer)).await?;
                }
            }
            b'S' => {
                let mut words = body.split(|byte| *byte == 0).map(String::from_utf8_lossy);
                if words.next().as_deref() == Some("server_version") {
                    version = words.next().unwrap_or_default().into_owned();
                }
            }
            b'Z' => return Ok(version),
            b'K' | b'N' | b'v' => {}
            other => return Err(format!("this is no PostgreSQL server: it sent a message {:?}", char::from(other))),
        }
    }
    Err("the login has no end".into())
}

/// What to answer to a request for proof; nothing when none is wanted.
fn authentication(
    body: &[u8],
    database: &Database,
    secure: bool,
    scram: &mut Option<Scram>,
) -> Result<Option<Vec<u8>>, String> {
    let (kind, rest) = body.split_first_chunk::<4>().ok_or("the login broke off")?;
    let password = database.password.reveal();
    let ended = |text: String| [text.into_bytes(), vec![0]].concat();
    match u32::from_be_bytes(*kind) {
        // A server that ends SCRAM before it proved itself is not who it says.
        0 if scram.as_ref().is_some_and(|scram| !scram.proven) => Err("the server did not prove who it is".into()),
        0 => Ok(None),
        3 if secure => Ok(Some(ended(password.to_owned()))),
        3 => Err("the server wants the password in the open; use security starttls".into()),
        5 => Ok(Some(ended(md5_answer(database.user.as_deref().unwrap_or("postgres"), password, rest)))),
        10 => {
            if !rest.split(|byte| *byte == 0).any(|name| name == b"SCRAM-SHA-256") {
                return Err("the server wants a kind of login that is not spoken here".into());
            }
            let begun = Scram::begin()?;
            let first = format!("n,,{}", begun.first_bare);
            let length = u32::try_from(first.len()).unwrap_or(u32::MAX).to_be_bytes();
            *scram = Some(begun);
            Ok(Some([b"SCRAM-SHA-256\0".as_slice(), &length, first.as_bytes()].concat()))
        }
        11 => {
            let scram = scram.as_mut().ok_or("the login is out of order")?;
            scram.proof(password, &String::from_utf8_lossy(rest)).map(|text| Some(text.into_bytes()))
        }
        12 => {
            let scram = scram.as_mut().ok_or("the login is out of order")?;
            scram.check(&String::from_utf8_lossy(rest)).map(|()| None)
        }
        other => Err(format!("the server wants a kind of login that is not spoken here ({other})")),
    }
}

fn md5_answer(user: &str, password: &str, salt: &[u8]) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let inner = hex(&Md5::digest([password.as_bytes(), user.as_bytes()].concat()));
    format!("md5{}", hex(&Md5::digest([inner.as_bytes(), salt].concat())))
}

/// A login by SCRAM-SHA-256.
struct Scram {
    nonce: String,
    first_bare: String,
    expected: Vec<u8>,
    proven: bool,
}

impl Scram {
    fn begin() -> Result<Self, String> {
        let mut random = [0; 18];
        ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut random)
            .map_err(|_| "no random numbers")?;
        Ok(Self::with_nonce(STANDARD.encode(random)))
    }

    fn with_nonce(nonce: String) -> Self {
        Self { first_bare: format!("n=,r={nonce}"), nonce, expected: Vec::new(), proven: false }
    }

    /// The last word of the client (RFC 5802, section 3).
    fn proof(&mut self, password: &str, server_first: &str) -> Result<String, String> {
        let field = |name: &str| server_first.split(',').find_map(|part| part.strip_prefix(name)).unwrap_or_default();
        let nonce = field("r=");
        let salt = STANDARD.decode(field("s=")).map_err(|_| "the login cannot be read")?;
        let rounds = field("i=").parse::<u32>().ok().filter(|rounds| *rounds <= ROUNDS_MAX).and_then(NonZeroU32::new);
        let rounds = rounds.ok_or("the login asks for too many rounds")?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err("the login is not an answer to ours".into());
        }
        let mut salted = [0; 32];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, &salt, password.as_bytes(), &mut salted);
        let client_key = sign(&salted, b"Client Key");
        let stored = digest::digest(&digest::SHA256, &client_key);
        let bare = format!("c=biws,r={nonce}");
        let all = format!("{},{server_first},{bare}", self.first_bare);
        let signature = sign(stored.as_ref(), all.as_bytes());
        let proof: Vec<u8> = client_key.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
        self.expected = sign(&sign(&salted, b"Server Key"), all.as_bytes());
        Ok(format!("{bare},p={}", STANDARD.encode(proof)))
    }

    /// The server knows the password too, or it is not the server.
    fn check(&mut self, server_final: &str) -> Result<(), String> {
        let shown = server_final.strip_prefix("v=").and_then(|text| STANDARD.decode(text.split(',').next()?).ok());
        self.proven = !self.expected.is_empty() && shown.as_ref() == Some(&self.expected);
        if self.proven { Ok(()) } else { Err("the server did not prove who it is".into()) }
    }
}

fn sign(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

async fn query(talk: &mut Talk, sql: &str) -> Result<Answer, String> {
    talk.say(&message(b'Q', &[sql.replace('\0', "").as_bytes(), &[0]].concat())).await?;
    let mut answer = Answer::default();
    for _ in 0..MESSAGES_MAX {
        match next(talk).await? {
            (b'Z', _) => return Ok(answer),
            (b'D', row) => {
                if answer.rows == 0 {
                    answer.first = first_cell(&row);
                }
                answer.rows = answer.rows.saturating_add(1);
            }
            (b'G' | b'H' | b'W', _) => return Err("the query copies, which a check does not".into()),
            _ => {}
        }
    }
    Err(format!("the query answers more than {MESSAGES_MAX} rows; ask for one"))
}

fn first_cell(row: &[u8]) -> Option<String> {
    let (count, rest) = row.split_first_chunk::<2>()?;
    let (length, rest) = rest.split_first_chunk::<4>().filter(|_| *count != [0, 0])?;
    let length = usize::try_from(i32::from_be_bytes(*length)).ok()?;
    rest.get(..length).map(|cell| String::from_utf8_lossy(cell).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scram_is_that_of_rfc_7677_section_3() {
        let mut scram = Scram::with_nonce("rOprNGfwEbeRWgbNEkqO".into());
        scram.first_bare = "n=user,r=rOprNGfwEbeRWgbNEkqO".into();
        let first = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let last = scram.proof("pencil", first).unwrap();
        assert!(last.ends_with("p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="), "{last}");
        assert!(scram.check("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").is_ok());
        assert!(scram.check("v=AAAATRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").is_err());
        assert!(scram.proof("pencil", "r=other,s=AAAA,i=4096").is_err());
        assert!(scram.proof("pencil", &first.replace("4096", "999999999")).is_err());
    }

    #[test]
    fn a_server_that_skips_its_proof_is_refused() {
        let mut scram = Some(Scram::with_nonce("x".into()));
        let done = authentication(&[0, 0, 0, 0], &Database::default(), true, &mut scram);
        assert!(done.is_err_and(|e| e.contains("did not prove")));
        let open = authentication(&[0, 0, 0, 3], &Database::default(), false, &mut None);
        assert!(open.is_err_and(|e| e.contains("in the open")));
    }

    #[test]
    fn md5_is_that_of_the_documentation() {
        // concat('md5', md5(concat(md5(concat(password, username)), random-salt)))
        assert_eq!(md5_answer("u", "p", &[1, 2, 3, 4]).len(), 35);
        assert_eq!(md5_answer("u", "p", &[1, 2, 3, 4]), md5_answer("u", "p", &[1, 2, 3, 4]));
        assert_ne!(md5_answer("u", "p", &[1, 2, 3, 4]), md5_answer("u", "p", &[1, 2, 3, 5]));
    }

    #[test]
    fn an_error_is_told_with_its_code() {
        assert_eq!(
            error(b"SFATAL\0C28P01\0Mpassword authentication failed\0\0"),
            "the server said: password authentication failed (28P01)"
        );
    }
}
