//! Seeded mutations: whatever comes, readers answer and do not fall over.

use promql::{Labels, Sample};
use proptest::prelude::*;
use rules::suite::Suite;
use rules::{Data, RuleFile, Template};

const FILE: &str = include_str!("../files/node.yml");
const TEMPLATES: [&str; 4] = [
    "{{ $labels.instance }} has {{ $value | humanize1024 }}B: {{ if gt $value 5.0 }}x{{ else }}y{{ end }}",
    "{{ range $i, $s := query \"up\" | sortByLabel \"a\" }}{{ $i }}{{ .Labels.a }}{{ end }}",
    "{{ with printf \"up{job='%s'}\" $labels.job | query }}{{ . | first | value | printf \"%.2f\" }}{{ end }}",
    "{{- define \"t\" -}}{{ . | toUpper }}{{- end -}}{{ template \"t\" \"x\" }} {{ reReplaceAll \"(a+)\" \"$1\" \"aab\" }}",
];

/// Takes bytes away, doubles them and puts others in, at chosen places.
fn mutated(text: &str, changes: &[(usize, u8, u8)]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for (place, what, byte) in changes {
        let place = place % bytes.len().max(1);
        match what % 4 {
            0 if !bytes.is_empty() => drop(bytes.remove(place)),
            1 => bytes.insert(place.min(bytes.len()), *byte),
            2 => bytes.truncate(place.max(bytes.len() / 2)),
            _ => {
                let part: Vec<u8> = bytes.iter().skip(place).take(usize::from(*byte)).copied().collect();
                bytes.splice(place..place, part);
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn written(text: &str) -> Option<Result<String, String>> {
    let labels = Labels::from_pairs([("job", "j"), ("instance", "a:1")]);
    let query = |_: &str| Ok(vec![Sample { labels: labels.clone(), at_ms: 0, value: 2.0 }]);
    let data = Data {
        labels: &labels,
        value: 7.5,
        external_labels: &Labels::empty(),
        external_url: "",
        now_ms: 0,
        query: &query,
    };
    Some(Template::parse(text).ok()?.expand(&data))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]

    #[test]
    fn a_changed_file_is_read_or_refused_and_what_is_read_can_be_written(
        changes in prop::collection::vec((0usize..5_000, any::<u8>(), any::<u8>()), 1..6)
    ) {
        let text = mutated(FILE, &changes);
        if let Ok(file) = RuleFile::parse(&text) {
            prop_assert_eq!(RuleFile::parse(&file.write()).unwrap(), file);
        }
        drop(Suite::parse(&text));
    }

    #[test]
    fn a_changed_template_is_written_or_refused(
        which in 0usize..4,
        changes in prop::collection::vec((0usize..200, any::<u8>(), any::<u8>()), 1..6)
    ) {
        drop(written(&mutated(TEMPLATES[which], &changes)));
    }

    #[test]
    fn any_text_in_a_rule_comes_back_as_it_was(text in "\\PC{0,40}", lines in "[a-z \n\t:#'\"-]{0,40}", control in "[\u{0}-\u{a0}\u{2028}\u{feff}]{0,8}") {
        let pairs = vec![("a".to_owned(), text), ("b".to_owned(), lines), ("c".to_owned(), control)];
        prop_assume!(pairs.iter().all(|(_, value)| !value.contains("{{")));
        let rule = rules::Rule { name: "A".into(), expr: "up".into(), annotations: pairs, ..rules::Rule::default() };
        let group = rules::Group { name: "g".into(), rules: vec![rule], ..rules::Group::default() };
        let file = RuleFile { groups: vec![group] };
        prop_assert_eq!(RuleFile::parse(&file.write()).unwrap(), file);
    }
}
