//! As much of MySQL's and MariaDB's protocol as a login and a query need (MySQL internals, "Client/Server Protocol"),
//! with `mysql_native_password` and `caching_sha2_password`; the password itself is said over TLS only.

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

use crate::database::{Answer, Database, MESSAGE_BYTES_MAX, MESSAGES_MAX};
use crate::mail::Security;
use crate::talk::Talk;
use crate::text::shorten;
use crate::{Around, guard};

/// Long password, protocol 4.1, transactions, secure connection, plugin authentication.
const ABILITIES: u32 = 0x0008_a201;
const WITH_DATABASE: u32 = 0x0000_0008;
const WITH_TLS: u32 = 0x0000_0800;
const UTF8MB4: u8 = 45;
const NATIVE: &str = "mysql_native_password";
const CACHING: &str = "caching_sha2_password";

/// Packets with their running number.
struct Line {
    talk: Talk,
    number: u8,
}

impl Line {
    async fn next(&mut self) -> Result<Vec<u8>, String> {
        let head = self.talk.exactly(4).await?;
        let [a, b, c, number] = head.as_slice() else { return Err("the answer broke off".into()) };
        let length = usize::try_from(u32::from_le_bytes([*a, *b, *c, 0])).unwrap_or(usize::MAX);
        if length > MESSAGE_BYTES_MAX {
            return Err("this is no MySQL server, or its answer is too long".into());
        }
        self.number = number.wrapping_add(1);
        let packet = self.talk.exactly(length).await?;
        if packet.first() == Some(&0xff) { Err(error(&packet)) } else { Ok(packet) }
    }

    async fn say(&mut self, packet: &[u8]) -> Result<(), String> {
        let [a, b, c, _] = u32::try_from(packet.len()).unwrap_or(0).to_le_bytes();
        self.talk.say(&[&[a, b, c, self.number], packet].concat()).await?;
        self.number = self.number.wrapping_add(1);
        Ok(())
    }
}

/// Signs in and asks.
pub(crate) async fn ask(database: &Database, around: &Around) -> Result<Answer, String> {
    let mut line = Line {
        talk: Talk::plain(guard::connect(&database.host, database.port, around.allowed).await?.stream),
        number: 0,
    };
    let greeting = Greeting::read(&line.next().await?).ok_or("this is no MySQL server")?;
    let secure = database.security != Security::None;
    let mut abilities = ABILITIES | if database.database.is_some() { WITH_DATABASE } else { 0 };
    if secure {
        if greeting.abilities & WITH_TLS == 0 {
            return Err("the server does not offer TLS; choose security none if that is meant".into());
        }
        abilities |= WITH_TLS;
        line.say(&head(abilities)).await?;
        line.talk.secure(&database.host, database.any_certificate).await?;
    }
    let password = database.password.reveal();
    let plugin = if greeting.plugin == CACHING { CACHING } else { NATIVE };
    let proof = proof(plugin, password, &greeting.salt)?;
    let mut hello = head(abilities);
    hello.extend_from_slice(database.user.as_deref().unwrap_or("root").replace('\0', "").as_bytes());
    hello.push(0);
    hello.push(u8::try_from(proof.len()).unwrap_or(0));
    hello.extend_from_slice(&proof);
    for word in database.database.iter().map(String::as_str).chain([plugin]) {
        hello.extend_from_slice(word.replace('\0', "").as_bytes());
        hello.push(0);
    }
    line.say(&hello).await?;
    prove(&mut line, password, secure).await?;
    query(&mut line, "SET SESSION TRANSACTION READ ONLY").await?;
    let answer = query(&mut line, database.query()).await?;
    line.number = 0;
    let _ = line.say(&[1]).await;
    Ok(Answer { version: greeting.version, ..answer })
}

fn head(abilities: u32) -> Vec<u8> {
    let most = u32::try_from(MESSAGE_BYTES_MAX).unwrap_or(u32::MAX);
    [abilities.to_le_bytes().as_slice(), &most.to_le_bytes(), &[UTF8MB4], &[0; 23]].concat()
}

/// The first packet of a server, version 10.
#[derive(Debug, PartialEq, Eq)]
struct Greeting {
    version: String,
    abilities: u32,
    salt: Vec<u8>,
    plugin: String,
}

impl Greeting {
    fn read(packet: &[u8]) -> Option<Self> {
        let rest = packet.strip_prefix(&[10])?;
        let end = rest.iter().position(|byte| *byte == 0)?;
        let version = String::from_utf8_lossy(rest.get(..end)?).into_owned();
        let rest = rest.get(end.checked_add(5)?..)?;
        let (salt, rest) = rest.split_first_chunk::<8>()?;
        let (low, rest) = rest.get(1..)?.split_first_chunk::<2>()?;
        let (high, rest) = rest.get(3..)?.split_first_chunk::<2>()?;
        let [a, b] = *low;
        let [c, d] = *high;
        let (length, rest) = rest.split_first()?;
        let rest = rest.get(10..)?;
        let further = usize::from(*length).saturating_sub(8).max(13);
        let second = rest.get(..further).unwrap_or(rest);
        let second = second.strip_suffix(&[0]).unwrap_or(second);
        let plugin = rest.get(further..).unwrap_or_default().split(|byte| *byte == 0).next().unwrap_or_default();
        Some(Self {
            version,
            abilities: u32::from_le_bytes([a, b, c, d]),
            salt: [salt.as_slice(), second].concat(),
            plugin: String::from_utf8_lossy(plugin).into_owned(),
        })
    }
}

/// What shows that the password is known, without saying it.
fn proof(plugin: &str, password: &str, salt: &[u8]) -> Result<Vec<u8>, String> {
    let algorithm = match plugin {
        _ if password.is_empty() => return Ok(Vec::new()),
        NATIVE => &SHA1_FOR_LEGACY_USE_ONLY,
        CACHING => &SHA256,
        other => {
            return Err(format!("the server wants a kind of login that is not spoken here ({})", shorten(other, 60)));
        }
    };
    let once = digest(algorithm, password.as_bytes());
    let twice = digest(algorithm, once.as_ref());
    let salted = match plugin {
        NATIVE => [salt, twice.as_ref()].concat(),
        _ => [twice.as_ref(), salt].concat(),
    };
    Ok(once.as_ref().iter().zip(digest(algorithm, &salted).as_ref()).map(|(a, b)| a ^ b).collect())
}

/// Goes on until the server lets us in.
async fn prove(line: &mut Line, password: &str, secure: bool) -> Result<(), String> {
    for _ in 0..10 {
        let packet = line.next().await?;
        match packet.as_slice() {
            [0, ..] => return Ok(()),
            [1, 3] => {}
            [1, 4] if secure => line.say(&[password.as_bytes(), &[0]].concat()).await?,
            [1, 4] => return Err("the server wants the password in the open; use security starttls".into()),
            [0xfe, rest @ ..] => {
                let mut words = rest.splitn(2, |byte| *byte == 0);
                let plugin = String::from_utf8_lossy(words.next().unwrap_or_default()).into_owned();
                let salt = words.next().unwrap_or_default();
                let answer = proof(&plugin, password, salt.strip_suffix(&[0]).unwrap_or(salt))?;
                line.say(&answer).await?;
            }
            _ => return Err("the login cannot be read".into()),
        }
    }
    Err("the login has no end".into())
}

/// Code, state and message of an error.
fn error(packet: &[u8]) -> String {
    let code = packet.get(1..3).and_then(|two| <[u8; 2]>::try_from(two).ok()).map_or(0, u16::from_le_bytes);
    let text = packet.get(3..).unwrap_or_default();
    let text = if text.first() == Some(&b'#') { text.get(6..).unwrap_or_default() } else { text };
    format!("the server said: {} ({code})", shorten(&String::from_utf8_lossy(text), 200))
}

async fn query(line: &mut Line, sql: &str) -> Result<Answer, String> {
    line.number = 0;
    line.say(&[&[3], sql.as_bytes()].concat()).await?;
    let packet = line.next().await?;
    match packet.first() {
        Some(0) => return Ok(Answer::default()),
        Some(0xfb) => return Err("the query sends a file, which a check does not".into()),
        Some(_) => {}
        None => return Err("the answer cannot be read".into()),
    }
    let mut answer = Answer::default();
    let mut ends = 0_u8;
    for _ in 0..MESSAGES_MAX {
        let packet = line.next().await?;
        // The end of the columns, and the end of the rows.
        if packet.first() == Some(&0xfe) && packet.len() < 9 {
            ends = ends.saturating_add(1);
            if ends == 2 {
                return Ok(answer);
            }
        } else if ends == 1 {
            if answer.rows == 0 {
                answer.first = first_cell(&packet);
            }
            answer.rows = answer.rows.saturating_add(1);
        }
    }
    Err(format!("the query answers more than {MESSAGES_MAX} rows; ask for one"))
}

/// A text behind its length.
fn first_cell(row: &[u8]) -> Option<String> {
    let (first, rest) = row.split_first()?;
    let (length, rest) = match first {
        0xfb => return None,
        0xfc => rest.split_first_chunk::<2>().map(|(two, rest)| (usize::from(u16::from_le_bytes(*two)), rest))?,
        0xfd => {
            let ([a, b, c], rest) = rest.split_first_chunk::<3>()?;
            (usize::try_from(u32::from_le_bytes([*a, *b, *c, 0])).ok()?, rest)
        }
        short => (usize::from(*short), rest),
    };
    rest.get(..length).map(|cell| String::from_utf8_lossy(cell).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_is_read_and_a_cut_one_is_not() {
        let mut packet = vec![10];
        packet.extend(b"8.0.34\0\x09\0\0\0ABCDEFGH\0\xff\xf7\x2d\x02\0\xff\xdf\x15");
        packet.extend([0; 10]);
        packet.extend(b"IJKLMNOPQRST\0caching_sha2_password\0");
        let read = Greeting::read(&packet).unwrap();
        assert_eq!((read.version.as_str(), read.plugin.as_str()), ("8.0.34", CACHING));
        assert_eq!((read.salt.as_slice(), read.abilities), (b"ABCDEFGHIJKLMNOPQRST".as_slice(), 0xdfff_f7ff));
        for end in 0..40 {
            let _ = Greeting::read(&packet[..end]);
        }
        assert_eq!(Greeting::read(b"SSH-2.0"), None);
    }

    #[test]
    fn a_proof_is_that_of_the_documentation() {
        // SHA1(p) XOR SHA1(salt + SHA1(SHA1(p))): taking the second part away again gives SHA1(p).
        let salt = b"01234567890123456789";
        let made = proof(NATIVE, "secret", salt).unwrap();
        let once = digest(&SHA1_FOR_LEGACY_USE_ONLY, b"secret");
        let twice = digest(&SHA1_FOR_LEGACY_USE_ONLY, once.as_ref());
        let mask = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[salt.as_slice(), twice.as_ref()].concat());
        let back: Vec<u8> = made.iter().zip(mask.as_ref()).map(|(a, b)| a ^ b).collect();
        assert_eq!(back, once.as_ref());
        assert_eq!(proof(CACHING, "secret", salt).unwrap().len(), 32);
        assert!(proof(NATIVE, "", salt).unwrap().is_empty());
        assert!(proof("client_ed25519", "x", salt).is_err());
    }

    #[test]
    fn cells_and_errors_are_read() {
        assert_eq!(first_cell(b"\x02ab\x01c").as_deref(), Some("ab"));
        assert_eq!(first_cell(b"\xfb"), None);
        assert_eq!(first_cell(b"\x09ab"), None);
        assert_eq!(first_cell(b"\xfc\x02\x00ab").as_deref(), Some("ab"));
        assert_eq!(error(b"\xff\x15\x04#28000Access denied"), "the server said: Access denied (1045)");
    }
}
