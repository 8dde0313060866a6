//! Cursors: what they are, and what is made of those that are not ours.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use stonework_pagination::{
    Anchor, Binding, Clock, Column, CursorErrorKind, Cursors, CursorsBuilder, Direction, Keys,
    Kind, Nulls, PageLayer, Sort, Value, Verified, Warning,
};
use uuid::Uuid;

const NEW: [u8; 32] = [2; 32];
const OLD: [u8; 32] = [1; 32];

fn keys() -> Keys {
    Keys::new(2, &NEW)
}

fn modes() -> Vec<(&'static str, CursorsBuilder)> {
    vec![
        ("signed", Cursors::signed(keys())),
        #[cfg(feature = "encrypted")]
        ("encrypted", Cursors::encrypted(keys())),
        ("plain", Cursors::danger_plain()),
    ]
}

/// Those that cannot be made without a key.
fn safe_modes() -> Vec<(&'static str, CursorsBuilder)> {
    modes().into_iter().filter(|(name, _)| *name != "plain").collect()
}

fn newest() -> Sort {
    Sort::new(vec![
        Column::new("created_at", Kind::Int).desc(),
        Column::new("id", Kind::Uuid).desc().unique(),
    ])
    .unwrap()
}

fn place() -> Anchor {
    let id = Uuid::from_u128(0x0188_0000_0000_7000_8000_0000_0000_002a);
    let values = vec![Value::Int(1_767_225_600_123_456), Value::Uuid(id)];
    Anchor::new(&newest(), Direction::Forward, values).unwrap()
}

fn binding() -> Binding {
    Binding::new().part("path", b"/v1/orders").part("account", b"acct_7")
}

/// What is there at once: no store is asked.
fn now<T, E: std::fmt::Debug>(
    future: stonework_pagination::StoreFuture<Result<T, E>>,
) -> Result<T, E> {
    future.try_ready().unwrap_or_else(|_| panic!("it has to wait"))
}

fn encode(cursors: &Cursors, binding: &Binding, sort: &Sort, anchor: &Anchor) -> String {
    now(cursors.encoder(binding, sort).encode(anchor)).unwrap()
}

fn token(cursors: &Cursors) -> String {
    encode(cursors, &binding(), &newest(), &place())
}

fn verify(cursors: &Cursors, token: &str) -> Result<Verified, CursorErrorKind> {
    now(cursors.verify(&binding(), token)).map_err(|error| error.kind())
}

fn read(cursors: &Cursors, sort: &Sort, token: &str) -> Result<Anchor, CursorErrorKind> {
    verify(cursors, token)?.anchor(sort).map_err(|error| error.kind())
}

#[derive(Debug, Default)]
struct Hand(AtomicU64);

impl Hand {
    fn at(seconds: u64) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(seconds)))
    }
}

impl Clock for Hand {
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn unix(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

/// The format. A cursor that a client keeps has to be good after the next release.
#[test]
fn tokens_are_these() {
    let golden = [
        ("signed", "EQKY3aKAiZHiiNKjBgGIAAAAAHAAgAAAAAAAACrQZZCi4O_B2fDAryVpI3LM"),
        ("encrypted", "EgJeJ__0aOGyZt3NOUPPRd0-yiTevHxLo0qsVn1lsXGDNQ6QQZY6G5s3cnNT"),
        ("plain", "FJjdooCJkeKI0qMGAYgAAAAAcACAAAAAAAAAKg"),
    ];
    for (name, builder) in modes() {
        let cursors = builder.build().unwrap();
        let (_, expected) = golden.iter().find(|(other, _)| *other == name).unwrap();
        assert_eq!(token(&cursors), *expected, "{name}");
        assert_eq!(read(&cursors, &newest(), expected), Ok(place()), "{name}");
    }
}

/// Backward, with an end, of each kind and of nothing.
#[test]
fn tokens_of_all_kinds_are_these() {
    let kinds = Sort::new(vec![
        Column::new("flag", Kind::Bool),
        Column::new("due", Kind::Int).nullable(Nulls::Last),
        Column::new("name", Kind::Text),
        Column::new("hash", Kind::Bytes),
        Column::new("score", Kind::Float),
        Column::new("id", Kind::Int).unique(),
    ]);
    let (kinds, hash) = (kinds.unwrap(), Value::Bytes(vec![0, 255]));
    let values =
        vec![true.into(), Value::Null, "\u{e9}".into(), hash, Value::Float(-0.5), (-7_i64).into()];
    let place = Anchor::new(&kinds, Direction::Backward, values).unwrap();
    let golden = [
        ("signed", "EQLLEO2QsdzKBgEAAsOpAgD_AAAAAAAA4L8NeZn9zRHThl1TOGnKlDfo6Q"),
        ("encrypted", "EgJnndkQezzc4KH-HCnFxwrUMMKlzR_xfu1lFPqiPceatxUMYFDrCnXHTw"),
        ("plain", "FMsQ7ZCx3MoGAQACw6kCAP8AAAAAAADgvw0"),
    ];
    for (name, builder) in modes() {
        let builder = builder.expires_after(Duration::from_secs(86_400));
        let cursors = builder.clock(Hand::at(1_767_225_600)).build().unwrap();
        let (_, expected) = golden.iter().find(|(other, _)| *other == name).unwrap();
        assert_eq!(encode(&cursors, &binding(), &kinds, &place), *expected, "{name}");
        assert_eq!(read(&cursors, &kinds, expected).as_ref(), Ok(&place), "{name}");
    }
}

#[test]
fn a_time_and_an_id_are_sixty_characters_that_need_no_encoding() {
    for (name, builder) in modes() {
        let token = token(&builder.build().unwrap());
        assert!(token.len() <= 60, "{name}: {}", token.len());
        let is_unreserved = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        assert!(token.chars().all(is_unreserved), "{token}");
    }
}

#[test]
fn the_same_place_has_the_same_cursor() {
    for (name, builder) in modes() {
        let cursors = builder.build().unwrap();
        assert_eq!(token(&cursors), token(&cursors), "{name}");
    }
    let clock = Hand::at(1_000_000);
    let (hour, day) = (Duration::from_secs(3_600), Duration::from_secs(86_400));
    let cursors = Cursors::signed(keys()).expires_after(day).in_steps_of(hour).clock(clock.clone());
    let cursors = cursors.build().unwrap();
    let step = 1_000_000 / 3_600 * 3_600;
    clock.0.store(step, Ordering::Relaxed);
    let first = token(&cursors);
    clock.0.store(step + 3_599, Ordering::Relaxed);
    assert_eq!(token(&cursors), first, "within one step");
    clock.0.store(step + 3_600, Ordering::Relaxed);
    assert_ne!(token(&cursors), first);
}

#[test]
fn a_cursor_is_good_for_as_long_as_was_said_and_a_step_more() {
    let clock = Hand::at(7_200);
    let cursors = Cursors::signed(keys())
        .expires_after(Duration::from_secs(3_600))
        .in_steps_of(Duration::from_secs(600))
        .clock(clock.clone())
        .build()
        .unwrap();
    let token = token(&cursors);
    for (second, expected) in [
        (7_200, true),
        (7_200 + 3_600, true),
        (7_200 + 3_600 + 599, true),
        (7_200 + 3_600 + 600, false),
        (u64::MAX, false),
        // A clock that went back.
        (0, true),
    ] {
        clock.0.store(second, Ordering::Relaxed);
        let read = read(&cursors, &newest(), &token);
        let known = matches!(read, Ok(_) | Err(CursorErrorKind::Expired));
        assert!(known && read.is_ok() == expected, "{second}: {read:?}");
    }
    let for_ever = Cursors::signed(keys()).build().unwrap();
    assert_eq!(read(&for_ever, &newest(), &token), Err(CursorErrorKind::Expired));
    let lasting = encode(&for_ever, &binding(), &newest(), &place());
    assert_eq!(read(&cursors, &newest(), &lasting), Err(CursorErrorKind::Expired));
}

/// Otherwise those that have expired would be good again, for thousands of years.
#[test]
fn another_step_changes_no_cursor_that_is_there_already() {
    let clock = Hand::at(1_767_225_600);
    let in_steps_of = |seconds| {
        let cursors = Cursors::signed(keys()).expires_after(Duration::from_secs(600));
        cursors.in_steps_of(Duration::from_secs(seconds)).clock(clock.clone()).build().unwrap()
    };
    for (before, after) in [(60, 3_600), (3_600, 60), (1, 86_400)] {
        clock.0.store(1_767_225_600, Ordering::Relaxed);
        let token = token(&in_steps_of(before));
        assert_eq!(read(&in_steps_of(after), &newest(), &token), Ok(place()), "{before} {after}");
        clock.0.store(1_767_225_600 + 600 + before, Ordering::Relaxed);
        let late = read(&in_steps_of(after), &newest(), &token);
        assert_eq!(late, Err(CursorErrorKind::Expired), "{before} {after}");
    }
}

#[test]
fn a_cursor_lasts_a_step_longer_at_most_however_long_that_is() {
    let clock = Hand::at(1_764_000_000);
    let cursors = Cursors::signed(keys()).expires_after(Duration::from_secs(300));
    let cursors = cursors.clock(clock.clone()).build().unwrap();
    let token = token(&cursors);
    for (second, is_good) in [(300, true), (300 + 3_600, false)] {
        clock.0.store(1_764_000_000 + second, Ordering::Relaxed);
        assert_eq!(read(&cursors, &newest(), &token).is_ok(), is_good, "{second}");
    }
}

#[test]
fn a_cursor_is_good_for_what_it_was_made_for() {
    for (name, builder) in safe_modes() {
        let cursors = builder.build().unwrap();
        let token = token(&cursors);
        for other in [
            Binding::new(),
            Binding::new().part("path", b"/v1/orders").part("account", b"acct_8"),
            Binding::new().part("path", b"/v2/orders").part("account", b"acct_7"),
            Binding::new().part("account", b"acct_7").part("path", b"/v1/orders"),
            Binding::new().part("path", b"/v1/ordersaccountacct_7"),
            binding().part("filter", b"status"),
        ] {
            let error = now(cursors.verify(&other, &token)).unwrap_err();
            assert_eq!(error.kind(), CursorErrorKind::Forged, "{name}");
        }
        assert!(verify(&cursors, &token).is_ok());
    }
}

#[test]
fn a_cursor_of_another_order_leads_nowhere() {
    for (name, builder) in modes() {
        let cursors = builder.build().unwrap();
        let token = token(&cursors);
        for columns in [
            vec![Column::new("created_at", Kind::Int), Column::new("id", Kind::Uuid).unique()],
            vec![Column::new("updated_at", Kind::Int).desc(), newest().columns()[1]],
            vec![newest().columns()[0].nullable(Nulls::Last), newest().columns()[1]],
        ] {
            let sort = Sort::new(columns).unwrap();
            let read = read(&cursors, &sort, &token);
            assert_eq!(read, Err(CursorErrorKind::OtherSort), "{name}");
        }
    }
}

#[test]
fn an_epoch_ends_all_cursors_before_it() {
    for (name, builder) in safe_modes() {
        let before = token(&builder.build().unwrap());
        let (_, builder) = safe_modes().into_iter().find(|(other, _)| *other == name).unwrap();
        let after = builder.epoch(1).build().unwrap();
        assert_eq!(read(&after, &newest(), &before), Err(CursorErrorKind::Forged), "{name}");
    }
}

#[test]
fn keys_are_rotated_without_losing_a_cursor() {
    let make = |keys: Keys| Cursors::signed(keys).build().unwrap();
    let (old, both) = (make(Keys::new(1, &OLD)), make(Keys::new(2, &NEW).also_verifies(1, &OLD)));
    let new = make(Keys::new(2, &NEW));
    let of_old = token(&old);
    assert_eq!(read(&both, &newest(), &of_old), Ok(place()));
    assert_eq!(token(&both), token(&new), "the first key signs");
    assert_eq!(read(&new, &newest(), &of_old), Err(CursorErrorKind::UnknownKey));
    let renamed = make(Keys::new(1, &NEW));
    assert_eq!(read(&renamed, &newest(), &of_old), Err(CursorErrorKind::Forged));
}

#[test]
fn no_mode_takes_a_cursor_of_another() {
    for (name, builder) in modes() {
        let token = token(&builder.build().unwrap());
        for (other, builder) in modes().into_iter().filter(|(other, _)| *other != name) {
            let read = read(&builder.build().unwrap(), &newest(), &token);
            assert_eq!(read, Err(CursorErrorKind::Format), "{name} in {other}");
        }
    }
}

#[test]
fn what_is_encrypted_cannot_be_read() {
    let name = "alice@example.com";
    let sort =
        Sort::new(vec![Column::new("email", Kind::Text), Column::new("id", Kind::Int).unique()])
            .unwrap();
    let values = vec![name.into(), 1_i64.into()];
    let anchor = Anchor::new(&sort, Direction::Backward, values).unwrap();
    for (mode, builder) in modes() {
        let token = encode(&builder.build().unwrap(), &binding(), &sort, &anchor);
        let bytes = data_encoding::BASE64URL_NOPAD.decode(token.as_bytes()).unwrap();
        let shows = bytes.windows(name.len()).any(|window| window == name.as_bytes());
        assert_eq!(shows, mode != "encrypted", "{mode}");
    }
}

#[test]
fn what_is_too_long_is_refused_unread_and_never_made() {
    let sort =
        Sort::new(vec![Column::new("name", Kind::Text), Column::new("id", Kind::Int).unique()]);
    let sort = sort.unwrap();
    let at = |length: usize| {
        let values = vec!["a".repeat(length).into(), 1_i64.into()];
        Anchor::new(&sort, Direction::Forward, values).unwrap()
    };
    for (name, builder) in modes() {
        let cursors = builder.build().unwrap();
        assert!(encode(&cursors, &binding(), &sort, &at(300)).len() <= 512, "{name}");
        let error = now(cursors.encoder(&binding(), &sort).encode(&at(400))).unwrap_err();
        assert_eq!(error.kind(), CursorErrorKind::TooLong, "{name}");
        assert_eq!(verify(&cursors, &"A".repeat(513)).unwrap_err(), CursorErrorKind::TooLong);
        assert_ne!(verify(&cursors, &"A".repeat(512)).unwrap_err(), CursorErrorKind::TooLong);
    }
}

#[test]
fn a_place_that_is_none_of_the_order_has_no_cursor() {
    let cursors = Cursors::signed(keys()).build().unwrap();
    let other = Sort::new(vec![Column::new("id", Kind::Int).unique()]).unwrap();
    let error = now(cursors.encoder(&binding(), &other).encode(&place())).unwrap_err();
    assert_eq!(error.kind(), CursorErrorKind::OtherSort);
}

#[test]
fn there_is_one_zero() {
    let sort =
        Sort::new(vec![Column::new("score", Kind::Float), Column::new("id", Kind::Int).unique()]);
    let sort = sort.unwrap();
    let at =
        |score| Anchor::new(&sort, Direction::Forward, vec![Value::Float(score), 1_i64.into()]);
    for (name, builder) in modes() {
        let cursors = builder.build().unwrap();
        let token = encode(&cursors, &binding(), &sort, &at(-0.0).unwrap());
        assert_eq!(token, encode(&cursors, &binding(), &sort, &at(0.0).unwrap()), "{name}");
        assert_eq!(read(&cursors, &sort, &token), Ok(at(0.0).unwrap()), "{name}");
    }
}

#[test]
fn keys_that_can_be_guessed_or_told_apart_by_nobody_are_errors() {
    for (keys, expected) in [
        (Keys::new(1, b""), "too short"),
        (Keys::new(1, &[7; 15]), "too short"),
        (Keys::new(1, &NEW).also_verifies(2, b"short"), "too short"),
        (Keys::new(1, &NEW).also_verifies(1, &OLD), "two secrets"),
    ] {
        let errors = Cursors::signed(keys).build().unwrap_err().to_string();
        assert!(errors.contains(expected), "{errors}");
    }
    assert!(Cursors::signed(Keys::new(1, &[7; 16])).build().is_ok());
    let all = Cursors::signed(Keys::new(1, b""))
        .expires_after(Duration::ZERO)
        .in_steps_of(Duration::ZERO)
        .max_len(10)
        .build()
        .unwrap_err();
    assert_eq!(all.as_slice().len(), 4);
    assert_eq!(format!("{:?}", Keys::new(1, &NEW).also_verifies(9, &OLD)), "Keys[1, 9]");
    let [one, two] = [(); 2].map(|()| Cursors::signed(Keys::ephemeral_for_dev()).build().unwrap());
    assert!(read(&two, &newest(), &token(&one)).is_err(), "no two processes have the same");
}

/// Any order of up to four columns, and a place in it.
fn any_place() -> impl Strategy<Value = (Sort, Anchor)> {
    let kind =
        prop::sample::select(vec![Kind::Bool, Kind::Int, Kind::Text, Kind::Bytes, Kind::Uuid]);
    let column = (kind, any::<bool>(), any::<bool>());
    (prop::collection::vec(column, 0..4), any::<bool>()).prop_flat_map(|(columns, backward)| {
        const NAMES: [&str; 4] = ["a", "b", "c", "d"];
        let named = NAMES.iter().zip(columns).map(|(name, (kind, descends, nullable))| {
            let column = Column::new(name, kind);
            let column = if descends { column.desc() } else { column };
            if nullable { column.nullable(Nulls::Last) } else { column }
        });
        let id = Column::new("id", Kind::Int).unique();
        let sort = Sort::new(named.chain([id]).collect::<Vec<_>>()).unwrap();
        let values: Vec<_> = sort.columns().iter().map(value).collect();
        let direction = if backward { Direction::Backward } else { Direction::Forward };
        values
            .prop_map(move |values| (sort.clone(), Anchor::new(&sort, direction, values).unwrap()))
    })
}

fn value(column: &Column) -> BoxedStrategy<Value> {
    let value = match column.kind() {
        Kind::Bool => any::<bool>().prop_map(Value::from).boxed(),
        Kind::Text => "\\PC{0,12}".prop_map(Value::from).boxed(),
        Kind::Bytes => prop::collection::vec(any::<u8>(), 0..12).prop_map(Value::from).boxed(),
        Kind::Uuid => any::<u128>().prop_map(|id| Uuid::from_u128(id).into()).boxed(),
        _ => any::<i64>().prop_map(Value::from).boxed(),
    };
    match column.nulls() {
        Some(_) => prop_oneof![Just(Value::Null), value].boxed(),
        None => value,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_place_comes_back((sort, anchor) in any_place()) {
        for (name, builder) in modes() {
            let cursors = builder.build().unwrap();
            let token = encode(&cursors, &binding(), &sort, &anchor);
            prop_assert_eq!(read(&cursors, &sort, &token), Ok(anchor.clone()), "{}", name);
            prop_assert_eq!(verify(&cursors, &token).unwrap().direction(), anchor.direction);
        }
    }

    #[test]
    fn no_bit_of_a_token_can_be_changed((sort, anchor) in any_place(), at in any::<Index>(), bit in 0_u8..8) {
        for (name, builder) in safe_modes() {
            let cursors = builder.build().unwrap();
            let token = encode(&cursors, &binding(), &sort, &anchor);
            let mut bytes = data_encoding::BASE64URL_NOPAD.decode(token.as_bytes()).unwrap();
            bytes[at.index(token.len() * 3 / 4)] ^= 1_u8 << bit;
            let changed = data_encoding::BASE64URL_NOPAD.encode(&bytes);
            prop_assert!(verify(&cursors, &changed).is_err(), "{}", name);
        }
    }

    /// Nor is there another spelling of it, longer or shorter.
    #[test]
    fn a_token_has_one_spelling((sort, anchor) in any_place(), at in any::<Index>(), c in any::<char>()) {
        for (name, builder) in modes() {
            let cursors = builder.build().unwrap();
            let token = encode(&cursors, &binding(), &sort, &anchor);
            let at = at.index(token.len());
            let (before, after) = token.split_at(at);
            for changed in [
                format!("{before}{c}{}", &after[1..]),
                format!("{before}{c}{after}"),
                format!("{before}{}", &after[1..]),
                before.to_owned(),
                format!("{token}="),
                format!("{token}{c}"),
                format!(" {token}"),
                token.to_uppercase(),
                token.to_lowercase(),
            ] {
                if changed == token {
                    continue;
                }
                let read = read(&cursors, &sort, &changed);
                // Whoever makes plain ones makes others; but none that is the same place.
                prop_assert_ne!(read.clone(), Ok(anchor.clone()), "{} {} {}", name, token, changed);
                prop_assert!(name == "plain" || read.is_err());
            }
        }
    }

    #[test]
    fn whatever_is_sent_is_read_or_not(text in any::<String>(), bytes in any::<Vec<u8>>()) {
        for (_, builder) in modes() {
            let cursors = builder.build().unwrap();
            for token in [text.clone(), data_encoding::BASE64URL_NOPAD.encode(&bytes)] {
                drop(read(&cursors, &newest(), &token));
            }
        }
    }
}

#[test]
fn what_may_surprise_is_a_warning_or_an_error() {
    let short = || Cursors::signed(Keys::new(1, &[1; 32]).also_verifies(7, &[2; 16]));
    let sound = || Cursors::signed(Keys::new(1, &[1; 32]));
    assert_eq!(sound().deny_warnings().build().unwrap().warnings(), []);
    for (builder, denied, said) in [
        (short(), short(), "Keys(7): has a secret of less than 32 bytes; use 32 random ones"),
        (
            Cursors::signed(Keys::ephemeral_for_dev()),
            Cursors::signed(Keys::ephemeral_for_dev()),
            "ephemeral_for_dev(): ends all cursors with the process, and no other process knows them; use a secret",
        ),
        (
            Cursors::danger_plain(),
            Cursors::danger_plain(),
            "danger_plain(): lets anybody make cursors, so bindings and the epoch mean nothing; sign them",
        ),
    ] {
        let cursors = builder.build().unwrap();
        let [warning] = cursors.warnings() else { panic!("{said}") };
        assert_eq!(warning.to_string(), said);
        let errors = denied.deny_warnings().build().unwrap_err();
        assert!(errors.to_string().contains(said.split(": ").nth(1).unwrap()), "{errors}");
        let layer = PageLayer::builder().cursors(cursors.clone()).danger_base_from_host();
        let layer = layer.build().unwrap();
        assert_eq!(layer.warnings(), [warning.clone(), Warning::BaseFromHost]);
        let denied = PageLayer::builder().cursors(cursors).deny_warnings().build();
        assert!(denied.is_err());
    }
}

#[test]
fn a_cursor_may_be_as_long_as_was_said() {
    let sort =
        Sort::new(vec![Column::new("name", Kind::Text), Column::new("id", Kind::Int).unique()]);
    let sort = sort.unwrap();
    let values = vec!["n".repeat(100).into(), 1_i64.into()];
    let place = Anchor::new(&sort, Direction::Forward, values).unwrap();
    for ((name, builder), (_, shorter)) in modes().into_iter().zip(modes()) {
        let token = encode(&builder.build().unwrap(), &binding(), &sort, &place);
        let of = |builder: CursorsBuilder, most| builder.max_len(most).build().unwrap();
        let (_, exact) = modes().into_iter().find(|(other, _)| *other == name).unwrap();
        let exact = of(exact, token.len());
        assert_eq!(encode(&exact, &binding(), &sort, &place), token, "{name}");
        assert!(verify(&exact, &token).is_ok(), "{name}");
        let shorter = of(shorter, token.len() - 1);
        let refused = now(shorter.encoder(&binding(), &sort).encode(&place)).unwrap_err();
        assert_eq!(refused.kind(), CursorErrorKind::TooLong, "{name}");
    }
}

/// Nobody but a client writes a number in more bytes than it takes.
#[test]
fn a_plain_cursor_has_one_spelling() {
    let sort = Sort::new(vec![Column::new("id", Kind::Int).unique()]).unwrap();
    let place = Anchor::new(&sort, Direction::Forward, vec![0_i64.into()]).unwrap();
    let cursors = Cursors::danger_plain().build().unwrap();
    let token = encode(&cursors, &binding(), &sort, &place);
    let mut bytes = data_encoding::BASE64URL_NOPAD.decode(token.as_bytes()).unwrap();
    assert_eq!(bytes.pop(), Some(0));
    bytes.extend([0x80, 0]);
    let longer = data_encoding::BASE64URL_NOPAD.encode(&bytes);
    assert_eq!(read(&cursors, &sort, &longer), Err(CursorErrorKind::Format));
    assert_eq!(read(&cursors, &sort, &token), Ok(place));
}
