//! Whose signs are whose.

use super::*;

fn evidence() -> Evidence {
    Evidence {
        agent_key: None,
        machine_id: Some("0a1b2c3d4e5f60718293a4b5c6d7e8f9".into()),
        dmi_uuid: Some("4c4c4544-0042-3510-8051-b4c04f4d3733".into()),
        serial: Some("FDO2541A0KQ".into()),
        macs: vec!["3c:ec:ef:01:02:03".into()],
        hostname: "srv-01".into(),
    }
}

fn known(evidence: &Evidence, asset: i64) -> Candidate {
    let signs = signs(evidence).into_iter().map(|sign| (sign.kind.to_owned(), sign.value)).collect();
    Candidate { asset, signs }
}

fn verdict(candidates: &[Candidate], evidence: &Evidence) -> Identified {
    judge(candidates, &signs(evidence))
}

#[test]
fn the_same_machine_is_known_again() {
    let found = verdict(&[known(&evidence(), 7)], &evidence());
    assert!(matches!(found, Identified::Same { asset: 7, ref reasons } if reasons.len() == 5), "{found:?}");
}

#[test]
fn a_machine_with_nothing_in_common_is_new_and_a_name_alone_says_too_little() {
    assert_eq!(verdict(&[], &evidence()), Identified::New);
    let other = Evidence { hostname: "srv-01".into(), ..Evidence::default() };
    assert_eq!(verdict(&[known(&evidence(), 7)], &other), Identified::New);
}

#[test]
fn a_machine_that_was_installed_anew_is_the_same_machine() {
    let again =
        Evidence { machine_id: Some("ffffeeeeddddccccbbbbaaaa99998888".into()), hostname: "new".into(), ..evidence() };
    assert!(matches!(verdict(&[known(&evidence(), 7)], &again), Identified::Same { asset: 7, .. }));
}

#[test]
fn a_cloned_disk_in_another_machine_is_a_conflict() {
    let clone = Evidence {
        dmi_uuid: Some("99999999-0042-3510-8051-b4c04f4d0000".into()),
        serial: Some("FDO2541A0ZZ".into()),
        macs: vec!["3c:ec:ef:0a:0b:0c".into()],
        ..evidence()
    };
    let found = verdict(&[known(&evidence(), 7)], &clone);
    assert!(matches!(found, Identified::Conflict { ref assets, .. } if assets == &[7]), "{found:?}");
}

#[test]
fn two_things_that_are_both_meant_are_a_conflict() {
    let found = verdict(&[known(&evidence(), 7), known(&evidence(), 8)], &evidence());
    assert!(matches!(found, Identified::Conflict { ref assets, .. } if assets == &[7, 8]), "{found:?}");
}

#[test]
fn what_makers_write_when_they_have_nothing_to_say_is_no_sign() {
    for (kind, value) in [
        ("serial", "Default string"),
        ("serial", "To be filled by O.E.M."),
        ("serial", "0000000000"),
        ("serial", "x"),
        ("dmi_uuid", "00000000-0000-0000-0000-000000000000"),
        ("dmi_uuid", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"),
        ("dmi_uuid", "03000200-0400-0500-0006-000700080009"),
        ("mac", "02:42:ac:11:00:02"),
        ("mac", "00:00:00:00:00:00"),
        ("hostname", "localhost"),
        ("hostname", ""),
        ("machine_id", ""),
    ] {
        assert_eq!(telling(kind, value), None, "{kind} {value}");
    }
}

#[test]
fn a_fleet_of_default_strings_does_not_become_one_machine() {
    let cheap = |mac: &str| Evidence {
        serial: Some("Default string".into()),
        dmi_uuid: Some("03000200-0400-0500-0006-000700080009".into()),
        macs: vec![mac.into()],
        ..Evidence::default()
    };
    assert_eq!(verdict(&[known(&cheap("3c:ec:ef:01:02:03"), 1)], &cheap("3c:ec:ef:01:02:04")), Identified::New);
}
