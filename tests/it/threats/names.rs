//! Names (F2–F5): what they may hold, that their form is one, and how many one peer can have.

use headcount::config::{Config, Limits};
use headcount::hub::Refusal;
use headcount::names::{NameError, NameLimits, canonical};
use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;
use unicode_segmentation::UnicodeSegmentation;

use super::generous;
use crate::tidy;
use crate::wire::{self, Told};
use crate::world::World;
use headcount_support::fuzz::Xorshift;

const LIMITS: NameLimits = NameLimits { chars_max: 32, bytes_max: 128 };

/// All of Unicode but the surrogates.
fn every_char() -> impl Iterator<Item = char> {
    (0..=0x10_FFFF).filter_map(char::from_u32)
}

#[test]
fn f2_characters_that_reorder_hide_or_heap_are_refused() {
    let refused = [
        '\u{202A}'..='\u{202E}',   // embeddings and overrides
        '\u{2066}'..='\u{2069}',   // isolates
        '\u{206A}'..='\u{206F}',   // deprecated formatting
        '\u{E0000}'..='\u{E007F}', // tags
        '\u{0000}'..='\u{0008}',
        '\u{007F}'..='\u{0084}',
        '\u{0086}'..='\u{009F}',
        '\u{2028}'..='\u{2029}',
        '\u{FFF9}'..='\u{FFFD}', // annotation, replacements
        '\u{3164}'..='\u{3164}', // a letter that shows nothing
        '\u{FFA0}'..='\u{FFA0}',
        '\u{115F}'..='\u{1160}',
        '\u{2800}'..='\u{2800}',
        '\u{1D159}'..='\u{1D159}',
        '\u{1D173}'..='\u{1D17A}',
        '\u{E000}'..='\u{E0FF}', // private use
        '\u{10FF00}'..='\u{10FFFF}',
        '\u{FDD0}'..='\u{FDEF}',
        '\u{1F1E6}'..='\u{1F1FF}', // halves of flags
    ];
    let mut world = World::with(generous());
    let ada = world.watch();
    for c in refused.into_iter().flatten() {
        let inside = [format!("A{c}da"), format!("A {c} da")];
        // White space of any kind is dropped at the ends.
        let outside = [format!("{c}Ada"), format!("Ada{c}")].into_iter();
        for name in outside.filter(|_| !c.is_whitespace()).chain(inside) {
            let found = canonical(&name, LIMITS);
            assert!(matches!(found, Err(NameError::Invalid(_))), "{name:?}: {found:?}");
        }
        // And through the server: the name is refused, the connection stays.
        world.login(ada, &format!("A{c}da"));
        assert_eq!(world.heard(ada)[0][1]["code"], "name_invalid", "{c:?}");
    }
    for marks in [5, 100, 1_000] {
        let name = format!("A{}", "\u{301}\u{335}".repeat(marks));
        assert!(canonical(&name, LIMITS).is_err(), "{marks} marks");
        let alone = "\u{301}".repeat(marks);
        assert!(canonical(&alone, LIMITS).is_err(), "{marks} marks alone");
    }
    for empty in ["", " ", "\u{3000}", "\t\r\n", "\u{2003}\u{A0}", "\u{FE0F}", "\u{2028}", "\u{85}"]
    {
        assert!(canonical(empty, LIMITS).is_err(), "{empty:?}");
    }
    // What is left has at least one character that can be seen, and shows no line ends.
    for name in every_char().filter_map(|c| canonical(&c.to_string(), LIMITS).ok()) {
        assert!(name.chars().all(|c| !c.is_control() && !c.is_whitespace()), "{name:?}");
        assert!(!name.chars().all(is_ignorable), "{name:?}");
    }
}

/// Each character of Unicode is kept, is refused, or makes no difference between two letters: none
/// is in a name unseen. Joiners and selectors stay only where `it::names` has them.
#[test]
fn f2_no_character_is_in_a_name_unseen() {
    for c in every_char() {
        for (before, after) in [("A", "b"), ("Ж", "я"), ("李", "雷"), ("한", "글"), ("ก", "ข")]
        {
            let Ok(name) = canonical(&format!("{before}{c}{after}"), LIMITS) else { continue };
            let middle = name.strip_prefix(before).and_then(|name| name.strip_suffix(after));
            let is_seen = middle.is_none_or(|middle| !middle.chars().any(is_ignorable));
            assert!(is_seen, "{c:?} in {name:?}");
        }
    }
}

fn is_ignorable(c: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Every code point, alone and between others, and a million random texts: what is canonical stays.
#[test]
fn f3_canonical_form_is_idempotent() {
    let mut random = Xorshift::new(3);
    let singles = every_char().map(|c| format!("e{c}\u{301} {c}x {c}"));
    let mixed = (0..1_000_000).map(move |_| {
        let length = random.below(8);
        let range = [0x80, 0x400, 0x3100, 0x11_0000][random.below(4)];
        (0..length).filter_map(|_| char::from_u32(random.below(range) as u32)).collect()
    });
    for text in singles.chain(mixed) {
        if let Ok(name) = canonical(&text, LIMITS) {
            assert_eq!(canonical(&name, LIMITS).as_deref(), Ok(&*name), "{text:?}");
        }
    }
}

/// Two names are one entry of the roster if and only if their canonical forms are the same.
#[test]
fn f3_names_are_one_if_and_only_if_their_forms_are() {
    let texts = "Ada|  Ada |Ada\u{3000}|ada|ADA|Ad\u{e1}|Ada\u{301}|Ada\u{FE0F}|\u{410}da|\
                 A\u{430}da|Ada Lovelace|Ada  Lovelace|Ada\u{A0}Lovelace|\u{212B}|\u{C5}|A\u{30A}|\
                 \u{1E9B}\u{323}|\u{17F}\u{323}\u{307}|ﬁ|fi|李|\u{2F82}|한|\u{1112}\u{1161}\u{11AB}";
    let texts: Vec<&str> = texts.split('|').collect();
    for &one in &texts {
        for &other in &texts {
            let mut world = World::with(generous());
            let (a, b) = (world.watch(), world.watch());
            world.login(a, one);
            world.login(b, other);
            world.pass_ms(50);
            let is_same = canonical(one, LIMITS) == canonical(other, LIMITS);
            assert_eq!(world.names().len() == 1, is_same, "{one:?} and {other:?}");
            // Who leaves takes nothing of the other's along.
            world.reset(b);
            world.pass_ms(50);
            assert_eq!(world.names(), [canonical(one, LIMITS).unwrap().into_string()]);
        }
    }
}

#[test]
fn f4_one_connection_has_one_name_and_few_changes() {
    let mut world = World::new();
    let (eve, watcher) = (world.watch(), world.watch());
    let mut refused = 0;
    for index in 0..20 {
        world.login(eve, &format!("Eve {index}"));
        world.pass_ms(100);
        let heard = world.heard(eve);
        refused += heard.iter().filter(|heard| heard[1]["code"] == "rate_limited").count();
        assert!(world.names().len() <= 1, "one name and no more");
    }
    assert_eq!(refused, 15);
    assert_eq!(world.names(), ["Eve 4"]);
    assert!(world.heard(watcher).len() <= 5, "others hear of the changes that were made only");
    // To come and go does not help: each minute brings five.
    for _ in 0..40 {
        world.say(eve, r#"["logout"]"#);
        world.login(eve, "Eve");
        world.pass_ms(500);
    }
    let told = world.told(watcher).into_iter();
    let changes = told.filter(|told| matches!(told, Told::Text(_))).count();
    assert!(changes <= 2 * 2 + 1, "{changes} in 20 s, which bring back two");
    // Another connection is not held back.
    world.login(watcher, "Ada");
    world.pass_ms(50);
    assert!(world.names().contains(&"Ada".to_owned()));
}

/// So the names of one address are as many as its connections may be.
#[test]
fn f4_names_of_one_address_are_limited_by_its_connections() {
    let limits = Limits { connections_per_address_max: 100, ..Limits::default() };
    let mut world = World::with(Config { limits, ..Config::default() });
    let stranger = [198, 51, 100, 9].into();
    let mut taken = 0;
    while let Ok(peer) = world.connect_from(stranger) {
        world.send(peer, &wire::handshake("/ws", ""));
        assert_eq!(world.answer(peer).status, 101);
        world.login(peer, &format!("squatter {taken}"));
        taken += 1;
    }
    world.pass_ms(100);
    assert_eq!((taken, world.names().len()), (100, 100));
    assert_eq!(world.connect_from(stranger), Err(Refusal::TooManyFromAddress));
}

/// Limits in bytes that end inside of characters: a name fits whole or is refused, never cut.
#[test]
fn f5_text_is_never_cut_inside_a_character() {
    for text in ["🦀🦀🦀🦀", "aé李🦀", "🦀aé李", "李李李", "éééé", "e\u{301}🦀", "👩\u{200D}💻क्षि"]
    {
        let form = canonical(text, LIMITS).unwrap();
        for bytes_max in 1..=form.len() + 4 {
            for chars_max in 1..=6 {
                let found = canonical(text, NameLimits { chars_max, bytes_max });
                let chars = form.graphemes(true).count();
                let fits = form.len() <= bytes_max && chars <= chars_max;
                let expected = if fits { Ok(&*form) } else { Err(NameError::TooLong) };
                assert_eq!(found.as_deref(), expected.as_ref().copied(), "{text} {bytes_max}");
                // The same by a client, whatever answer there is to it.
                let limits = Limits {
                    name_bytes_max: bytes_max as u32,
                    name_chars_max: chars_max as u32,
                    ..Limits::default()
                };
                let mut world = World::with(Config { limits, ..Config::default() });
                let ada = world.watch();
                world.login(ada, text);
                let heard = world.heard(ada).remove(0);
                assert_eq!(heard[0] == "change", fits, "{heard}");
            }
        }
    }
}

/// The compiler refuses to slice text by bytes, in all of the code.
#[test]
fn f5_lint_against_slicing_text_is_on_everywhere() {
    let manifest = include_str!("../../../Cargo.toml");
    assert!(manifest.contains("\nstring_slice = \"warn\"\n"), "CI makes errors of warnings");
    assert!(manifest.contains("\nunsafe_code = \"forbid\"\n"));
    for (path, source) in tidy::sources() {
        assert!(!source.contains("clippy::string_slice"), "{path} allows it");
        assert!(!source.contains("get_unchecked"), "{path}");
    }
}
