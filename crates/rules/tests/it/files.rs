//! Files as they are found in the world: read, written, read again.

use rules::{Kind, RuleFile};

const FILES: [(&str, &str, usize, usize); 3] = [
    ("node.yml", include_str!("../files/node.yml"), 3, 11),
    ("slo.yml", include_str!("../files/slo.yml"), 2, 9),
    ("compact.yml", include_str!("../files/compact.yml"), 2, 4),
];

#[test]
fn files_of_the_world_are_read_and_what_is_written_means_the_same() {
    for (name, text, groups, rules) in FILES {
        let file = RuleFile::parse(text).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
        let count: usize = file.groups.iter().map(|group| group.rules.len()).sum();
        assert_eq!((file.groups.len(), count), (groups, rules), "{name}");
        let written = file.write();
        assert_eq!(RuleFile::parse(&written).unwrap_or_else(|wrong| panic!("{name}: {wrong}\n{written}")), file);
        assert_eq!(RuleFile::parse(&written).unwrap().write(), written, "{name}: writing is settled");
    }
}

#[test]
fn their_conditions_have_parts_by_which_missing_data_is_known() {
    let file = RuleFile::parse(FILES[0].1).unwrap();
    let alerts = file.groups.iter().flat_map(|group| &group.rules).filter(|rule| rule.kind == Kind::Alert);
    let alerts: Vec<_> = alerts.collect();
    let with_parts = alerts.iter().filter(|rule| {
        let expr = rules::parse_expression(&rule.expr).unwrap();
        !rules::parts_of(&expr).is_empty()
    });
    assert_eq!((alerts.len(), with_parts.count()), (8, 6), "all but absence, and what is about no series");
}
