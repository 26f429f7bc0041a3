//! Outputs of real plugins, and outputs no plugin should have.

use proptest::prelude::*;

use super::*;
use crate::dice::{Dice, peak_resident_kib};

fn performance(text: &str) -> Output {
    read(Some(0), format!("OK | {text}").as_bytes(), Limits::default())
}

fn one(text: &str) -> Performance {
    let mut read = performance(text);
    assert_eq!((read.performance.len(), read.unreadable), (1, 0), "{text}: {read:?}");
    read.performance.remove(0)
}

#[test]
fn the_exit_code_is_the_state() {
    let state = |code| read(code, b"", Limits::default()).state;
    assert_eq!(
        [Some(0), Some(1), Some(2), Some(3)].map(state),
        [State::Ok, State::Warning, State::Critical, State::Unknown]
    );
    assert_eq!([Some(4), Some(-1), Some(127), None].map(state), [State::Unknown; 4]);
    let complaint = |code| read(code, b"", Limits::default()).complaint;
    assert_eq!(complaint(Some(3)), None);
    assert!(complaint(Some(127)).unwrap().contains("not found"));
    assert!(complaint(None).unwrap().contains("signal"));
    assert_eq!(State::of_exit_code(Some(State::Critical.exit_code())), State::Critical);
}

#[test]
fn long_output_and_performance_data_on_several_lines_are_told_apart() {
    // The example of the Plugin API.
    let text = b"DISK OK - free space: / 3326 MB (56%); | /=2643MB;5948;5958;0;5968\n\
        / 15272 MB (77%);\n/boot 68 MB (69%);\n/home 69357 MB (27%);\n\
        /var/log 819 MB (84%); | /boot=68MB;88;93;0;98\n/home=69357MB;253404;253409;0;253414\n/var/log=818MB;970;975;0;980\n";
    let read = read(Some(0), text, Limits::default());
    assert_eq!(read.summary, "DISK OK - free space: / 3326 MB (56%);");
    assert_eq!(read.details, "/ 15272 MB (77%);\n/boot 68 MB (69%);\n/home 69357 MB (27%);\n/var/log 819 MB (84%);");
    let labels: Vec<&str> = read.performance.iter().map(|one| one.label.as_str()).collect();
    assert_eq!(labels, ["/", "/boot", "/home", "/var/log"]);
    assert_eq!((read.unreadable, read.cut, read.complaint), (0, false, None));
}

#[test]
fn several_items_stand_on_one_line() {
    let read = performance("rta=0.80ms;100.000000;500.000000;0.000000 pl=0%;20;60;;");
    let values: Vec<(Option<f64>, Unit)> = read.performance.iter().map(|one| (one.value, one.unit)).collect();
    assert_eq!(values, [(Some(0.8e-3), Unit::Seconds), (Some(0.0), Unit::Percent)]);
    assert!(read.performance[0].critical.unwrap().alerts(0.6));
    assert_eq!((read.performance[0].minimum, read.performance[1].minimum), (Some(0.0), None));
}

#[test]
fn labels_in_quotes_hold_blanks_equals_and_quotes() {
    assert_eq!(one("'C: used % = it''s'=5%").label, "C: used % = it's");
    assert_eq!(one("load1=0.5").label, "load1");
    assert_eq!(one("'æøå'=1").label, "æøå");
}

#[test]
fn units_come_to_their_base() {
    let check = |text: &str, value: f64, unit: Unit| {
        let read = one(&format!("x={text}"));
        assert_eq!((read.value, read.unit), (Some(value), unit), "{text}");
    };
    check("5", 5.0, Unit::None);
    check("5s", 5.0, Unit::Seconds);
    check("250us", 250.0 * 1e-6, Unit::Seconds);
    check("2d", 172_800.0, Unit::Seconds);
    check("2KB", 2_000.0, Unit::Bytes);
    check("2KiB", 2_048.0, Unit::Bytes);
    check("1MiB", 1_048_576.0, Unit::Bytes);
    check("3Mb", 3e6, Unit::Bits);
    check("12%", 12.0, Unit::Percent);
    check("12345c", 12_345.0, Unit::Counter);
    check("250mV", 0.25, Unit::Volts);
    check("1.5e3B", 1_500.0, Unit::Bytes);
    check("1e-3s", 0.001, Unit::Seconds);
    check("5e", 5.0, Unit::None);
    check("7widgets", 7.0, Unit::None);
    check("-3.5", -3.5, Unit::None);
}

#[test]
fn an_undetermined_value_is_none() {
    assert_eq!(one("x=U;1;2").value, None);
}

#[test]
fn thresholds_alert_as_the_guidelines_table_says() {
    let check = |range: &str, quiet: &[f64], loud: &[f64]| {
        let read = Range::read(range).unwrap();
        assert!(quiet.iter().all(|value| !read.alerts(*value)), "{range} is quiet at {quiet:?}");
        assert!(loud.iter().all(|value| read.alerts(*value)), "{range} alerts at {loud:?}");
    };
    check("10", &[0.0, 10.0], &[-1.0, 10.1]);
    check("10:", &[10.0, 1e300], &[9.9]);
    check("~:10", &[-1e300, 10.0], &[10.1]);
    check("10:20", &[10.0, 20.0], &[9.9, 20.1]);
    check("@10:20", &[9.9, 20.1], &[10.0, 20.0]);
    check("@~:0", &[0.1], &[0.0, -5.0]);
    for wrong in ["", "@", "20:10", "a:b", "~", "5:~", "::", "1:2:3", "nan", "inf"] {
        assert_eq!(Range::read(wrong), None, "{wrong}");
    }
}

#[test]
fn what_cannot_be_read_is_counted_and_the_rest_is_kept() {
    let read = performance("a=1 b=x;2 =3 c d=4;5;6;7;8;9 e=1,5 f=2;a: 'g=3");
    assert_eq!(read.performance.iter().map(|one| one.label.as_str()).collect::<Vec<_>>(), ["a"]);
    assert_eq!((read.unreadable, read.unreadable_first.as_deref()), (7, Some("b=x;2")));
}

#[test]
fn too_much_is_cut_and_said() {
    let many = "a=1 ".repeat(5_000);
    let read = performance(&many);
    assert_eq!((read.performance.len(), read.unreadable), (1_000, 4_000));
    let long = vec![b'x'; 100_000];
    let read = super::read(Some(0), &long, Limits::default());
    assert!(read.cut && read.summary.len() == 64 << 10);
    let label = performance(&format!("{}=1", "l".repeat(300)));
    assert_eq!((label.performance.len(), label.unreadable), (0, 1));
}

#[test]
fn damaged_output_never_panics_nor_takes_memory() {
    let seeds: [&[u8]; 3] = [
        b"DISK OK | '/var'=2643MB;@5948:5958;~:5;0;5968 rta=0.8ms;100:;500\nlong\n| a=1c\nb=U",
        b"PING CRITICAL - Packet loss = 100%|rta=500.000000ms;3000.000000;5000.000000;0.000000 pl=100%;80;100;0",
        "TEMP øl\n'it''s'=21.5C;~:25;~:30 x=1e3KiB;;;;".as_bytes(),
    ];
    let tokens: [&[u8]; 8] = [b"|", b"'", b"''", b"=", b";", b"@~:", b"1e999", b"\n"];
    let mut dice = Dice::new(0x6e61_6769_6f73);
    let before = peak_resident_kib();
    let mut items = 0;
    for round in 0..50_000 {
        let mut bytes = seeds[round % seeds.len()].to_vec();
        dice.damage(&mut bytes, &tokens);
        let read = read(Some(dice.roll(5) as i32), &bytes, Limits::default());
        items += read.performance.len();
        for one in &read.performance {
            assert!(one.value.is_none_or(f64::is_finite) && !one.label.is_empty(), "{one:?}");
        }
    }
    assert!(items > 25_000, "most damage leaves something: {items}");
    if let (Some(before), Some(after)) = (before, peak_resident_kib()) {
        assert!(after - before < 256 * 1024, "{} KiB", after - before);
    }
}

proptest! {
    #[test]
    fn what_a_plugin_writes_is_what_is_read(
        items in prop::collection::vec(
            ("[a-z' =ø/%]{1,8}", -1e9_f64..1e9, prop::option::of((-1e6_f64..0.0, 0.0_f64..1e6, any::<bool>()))),
            0..8,
        ),
    ) {
        let mut text = String::from("OK |");
        for (label, value, range) in &items {
            let range = range.map(|(start, end, inside)| format!(";{}{start}:{end}", if inside { "@" } else { "" }));
            text.push_str(&format!(" '{}'={value}s{}", label.replace('\'', "''"), range.unwrap_or_default()));
        }
        let read = read(Some(0), text.as_bytes(), Limits::default());
        prop_assert_eq!(read.unreadable, 0, "{}", text);
        let back: Vec<_> = read
            .performance
            .iter()
            .map(|one| (one.label.clone(), one.value.unwrap(), one.warning.map(|range| (range.start, range.end, range.inside))))
            .collect();
        prop_assert_eq!(back, items, "{}", text);
    }
}
