//! What holds for any rota: spans cover what was asked, a part is the same as the whole cut, and order and names do not matter.

use proptest::prelude::*;

use super::super::wall::HOUR;
use super::tests::zone;
use super::*;

/// Zones with whole, half and no changes of the clock, and one that left out a day.
const ZONES: [&str; 6] =
    ["Europe/Oslo", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia", "UTC"];

prop_compose! {
    fn any_layer()(
        start in 1_300_000_000_i64..1_340_000_000,
        length in prop_oneof![HOUR..100 * HOUR, (1..20_i64).prop_map(|days| days * DAY)],
        participants in proptest::collection::vec(0_u8..5, 1..5),
        restrictions in proptest::collection::vec((any::<[bool; 7]>(), 0..96_i64, 1..=96_i64), 0..3),
        adds in any::<bool>(),
    ) -> Layer<u8> {
        let quarter = |(days, from, to): ([bool; 7], i64, i64)| Restriction { days, from: from * 900, to: to * 900 };
        Layer { start, length, participants, restrictions: restrictions.into_iter().map(quarter).collect(), adds }
    }
}

prop_compose! {
    fn any_override()(
        from in 1_320_000_000_i64..1_335_000_000,
        length in 1..2_000_000_i64,
        add in proptest::collection::vec(0_u8..8, 0..3),
        remove in proptest::collection::vec(0_u8..8, 0..3),
        everybody in proptest::bool::weighted(0.2),
    ) -> Override<u8> {
        let moment = |seconds| Timestamp::from_second(seconds).unwrap();
        Override { from: moment(from), to: moment(from + length), add, remove, everybody, together: false }
    }
}

prop_compose! {
    fn any_plan()(
        name in proptest::sample::select(ZONES.to_vec()),
        layers in proptest::collection::vec(any_layer(), 0..4),
        overrides in proptest::collection::vec(any_override(), 0..6),
        left in proptest::collection::btree_set(0_u8..8, 0..2),
    ) -> Plan<u8> {
        Plan { zone: zone(name), layers, overrides, left }
    }
}

/// Spans cut to a window.
fn cut(
    spans: Vec<(Timestamp, Timestamp, Vec<u8>)>,
    from: Timestamp,
    to: Timestamp,
) -> Vec<(Timestamp, Timestamp, Vec<u8>)> {
    let inside = spans.into_iter().filter(|(begin, end, _)| *begin < to && from < *end);
    inside.map(|(begin, end, who)| (begin.max(from), end.min(to), who)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn spans_cover_what_was_asked_without_gaps_and_neighbours_differ(
        plan in any_plan(), from in 1_320_000_000_i64..1_330_000_000, length in 1..8_000_000_i64,
    ) {
        let (from, to) = (Timestamp::from_second(from).unwrap(), Timestamp::from_second(from + length).unwrap());
        let spans = plan.who(from, to);
        prop_assert_eq!(spans.first().unwrap().0, from);
        prop_assert_eq!(spans.last().unwrap().1, to);
        for pair in spans.windows(2) {
            prop_assert_eq!(pair[0].1, pair[1].0);
            prop_assert_ne!(&pair[0].2, &pair[1].2);
        }
        for (begin, end, who) in &spans {
            prop_assert!(begin < end);
            prop_assert!(who.windows(2).all(|pair| pair[0] < pair[1]), "in order and each once");
            prop_assert!(who.iter().all(|one| !plan.left.contains(one)));
        }
    }

    #[test]
    fn a_part_of_a_window_is_the_same_as_the_window_cut(
        plan in any_plan(), from in 1_320_000_000_i64..1_330_000_000, length in 10..8_000_000_i64, parts in (0.0..1.0, 0.0..1.0),
    ) {
        let moment = |share: f64| Timestamp::from_second(from + (length as f64 * share) as i64).unwrap();
        let (from, to) = (moment(0.0), moment(1.0));
        let (one, other) = (moment(parts.0), moment(parts.1));
        let (begin, end) = (one.min(other), one.max(other));
        prop_assert_eq!(plan.who(begin, end), cut(plan.who(from, to), begin, end));
    }

    #[test]
    fn the_order_of_overrides_that_do_not_meet_does_not_matter(plan in any_plan(), length in 1..8_000_000_i64) {
        let mut apart = plan.clone();
        apart.overrides.sort_by_key(|one| one.from);
        let mut end = Timestamp::MIN;
        apart.overrides.retain(|one| {
            let fits = end <= one.from;
            if fits {
                end = one.to;
            }
            fits
        });
        let mut turned = apart.clone();
        turned.overrides.reverse();
        let (from, to) = (Timestamp::from_second(1_322_000_000).unwrap(), Timestamp::from_second(1_322_000_000 + length).unwrap());
        prop_assert_eq!(apart.who(from, to), turned.who(from, to));
    }

    #[test]
    fn other_numbers_for_the_same_people_are_the_same_rota(plan in any_plan(), length in 1..8_000_000_i64) {
        let mut named = plan.clone();
        let other = |people: &mut Vec<u8>| people.iter_mut().for_each(|one| *one = 100 - *one);
        named.layers.iter_mut().for_each(|layer| other(&mut layer.participants));
        for one in &mut named.overrides {
            other(&mut one.add);
            other(&mut one.remove);
        }
        named.left = named.left.iter().map(|one| 100 - one).collect();
        let (from, to) = (Timestamp::from_second(1_322_000_000).unwrap(), Timestamp::from_second(1_322_000_000 + length).unwrap());
        let back = |(from, to, who): (Timestamp, Timestamp, Vec<u8>)| (from, to, who.iter().rev().map(|one| 100 - one).collect::<Vec<u8>>());
        prop_assert_eq!(plan.who(from, to), named.who(from, to).into_iter().map(back).collect::<Vec<_>>());
    }

    #[test]
    fn a_moment_is_on_call_as_the_clock_on_the_wall_says(plan in any_plan(), at in 1_325_000_000_i64..1_328_000_000) {
        // The turn that began last counts: found here by going through every turn from the first.
        let moment = Timestamp::from_second(at).unwrap();
        for layer in plan.layers.iter().filter(|layer| layer.restrictions.is_empty() && layer.length >= 6 * HOUR) {
            let begun = (0..10_000_i64)
                .rfind(|number| wall::moment(&plan.zone, layer.start + number * layer.length) <= moment);
            let expected = begun.map(|number| layer.participants[number as usize % layer.participants.len()]);
            let turns = layer.turns(&plan.zone, moment, moment + jiff::SignedDuration::from_secs(1));
            prop_assert_eq!(turns.first().filter(|turn| turn.from == moment).map(|turn| turn.who), expected);
        }
    }
}
