//! What the filter language means, and that nothing breaks it.

use super::*;

fn check(text: &str, printed: &str) {
    assert_eq!(Filter::parse(text).unwrap().to_string(), printed, "{text}");
}

#[test]
fn terms_are_words_and_fields_with_values() {
    let filter = Filter::parse(r#"kind:server place:"Head office" -tag:x due<2h disk"#).unwrap();
    let [kind, place, tag, due, word] = filter.terms() else { panic!("five terms") };
    assert_eq!((kind.field.as_deref(), kind.value()), (Some("kind"), "server"));
    assert_eq!(place.values, ["Head office"]);
    assert!(tag.negated);
    assert_eq!(due.relation, Relation::Less);
    assert_eq!((word.field.as_deref(), word.value(), word.at), (None, "disk", 47));
}

#[test]
fn commas_separate_values_of_which_one_must_hold() {
    assert_eq!(Filter::parse("status:new,open").unwrap().terms()[0].values, ["new", "open"]);
    assert_eq!(Filter::parse(r#"place:"Oslo, west",Bergen"#).unwrap().terms()[0].values, ["Oslo, west", "Bergen"]);
}

#[test]
fn what_is_no_field_is_a_word() {
    check(
        "10.0.0.1:80 fe80::1 a,b",
        r#"10.0.0.1:80 fe80::1 a,b"#.split(' ').map(|w| format!("\"{w}\"")).collect::<Vec<_>>().join(" ").as_str(),
    );
    check("https://example.org/x", "\"https://example.org/x\"");
    check("- -x", "\"-\" -x");
}

#[test]
fn an_error_names_the_position() {
    for (text, start) in [
        ("status:", "At character 8:"),
        ("ok \"open", "At character 4:"),
        ("a b:x, c", "At character 7:"),
        ("\"\"", "At character 1:"),
        ("x:a\"b\"", "At character 4:"),
    ] {
        let error = Filter::parse(text).unwrap_err();
        assert!(error.message.starts_with(start), "{text}: {}", error.message);
    }
    assert!(Filter::parse(&"x".repeat(BYTES_MAX + 1)).is_err());
    assert!(Filter::parse(&"x ".repeat(TERMS_MAX + 1)).is_err());
}

#[test]
fn a_like_pattern_takes_its_wildcards_literally() {
    assert_eq!(like("50%_A\\"), "%50\\%\\_a\\\\%");
}

/// A small generator with a fixed seed (xorshift64), so that a failure repeats.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }
}

const ALPHABET: &[char] =
    &['a', 'z', '_', ':', '<', '>', ',', '"', '\\', '-', ' ', '\t', '%', '/', 'å', '🙂', '\u{202e}', '7', 'K', '\''];

#[test]
fn twenty_thousand_mutations_never_panic_and_what_parses_prints_and_parses_to_the_same() {
    let seeds = [
        r#"kind:server status:in_use team:infrastructure place:"Head office" owner:me words -tag:x"#,
        r#"due<2h "quoted \"word\"" -"not this" a:b,c,"d e""#,
        "",
    ];
    let mut dice = Dice(0x5eed_1234_5678_9abc);
    let mut parsed = 0;
    for round in 0..20_000 {
        let mut text: Vec<char> = seeds[round % seeds.len()].chars().collect();
        for _ in 0..=dice.roll(6) {
            let at = dice.roll(text.len() + 1);
            match dice.roll(3) {
                0 if at < text.len() => drop(text.remove(at)),
                1 if at < text.len() => text[at] = ALPHABET[dice.roll(ALPHABET.len())],
                _ => text.insert(at, ALPHABET[dice.roll(ALPHABET.len())]),
            }
        }
        let text: String = text.into_iter().collect();
        if let Ok(filter) = Filter::parse(&text) {
            parsed += 1;
            let printed = filter.to_string();
            let again = Filter::parse(&printed).unwrap_or_else(|error| panic!("{text:?} -> {printed:?}: {error}"));
            assert!(filter.same(&again), "{text:?} -> {printed:?}");
        }
    }
    assert!(parsed > 5_000, "the mutations should often still be filters, but only {parsed} were");
}

#[test]
fn every_list_of_terms_prints_and_parses_to_itself() {
    let mut dice = Dice(0xfeed_beef_dead_cafe);
    for _ in 0..5_000 {
        let terms = (0..dice.roll(4)).map(|_| random_term(&mut dice)).collect();
        let filter = Filter::of(terms);
        let printed = filter.to_string();
        let again = Filter::parse(&printed).unwrap_or_else(|error| panic!("{printed:?}: {error}"));
        assert!(filter.same(&again), "{printed:?}");
    }
}

fn random_term(dice: &mut Dice) -> Term {
    let field = (dice.roll(2) == 0).then(|| ["status", "due", "x_y"][dice.roll(3)].to_owned());
    let relation = match (&field, dice.roll(3)) {
        (Some(_), 1) => Relation::Less,
        (Some(_), 2) => Relation::More,
        _ => Relation::Is,
    };
    let count = if field.is_some() { 1 + dice.roll(3) } else { 1 };
    let values =
        (0..count).map(|_| (0..=dice.roll(5)).map(|_| ALPHABET[dice.roll(ALPHABET.len())]).collect()).collect();
    Term { negated: dice.roll(2) == 0, field, relation, values, at: 1 }
}
