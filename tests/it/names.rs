//! What a name is, over the writing of the world: a table of names, and what holds for all of them.

use headcount::config::{Config, Limits};
use headcount::names::{EMOJI_SEQUENCES, NameError, NameLimits, canonical};
use unicode_normalization::UnicodeNormalization;

use crate::engine;
use crate::threats::generous;
use crate::world::World;
use headcount_support::fuzz::Xorshift;

const LIMITS: NameLimits = NameLimits { chars_max: 32, bytes_max: 128 };

/// A row of the table: what it stands for, a text, and its form or the name of an error.
struct Row {
    what: &'static str,
    text: String,
    expected: Result<String, &'static str>,
}

fn table() -> Vec<Row> {
    let lines = include_str!("names.tsv").lines().filter(|line| !line.starts_with("# "));
    let row = |line: &'static str| {
        let [what, text, expected] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("a row has three parts: {line}")
        };
        let text = unescaped(text);
        let expected = match expected.strip_prefix('!') {
            Some(error) => Err(error),
            None if expected == "=" => Ok(text.clone()),
            None => Ok(unescaped(expected)),
        };
        Row { what, text, expected }
    };
    lines.map(row).collect()
}

/// A text with `\u{…}` in place of some characters.
fn unescaped(text: &str) -> String {
    let mut parts = text.split("\\u{");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_once('}').expect("an escape ends");
        let code = u32::from_str_radix(digits, 16).expect("an escape is a number");
        whole.push(char::from_u32(code).expect("an escape is a character"));
        whole.push_str(rest);
    }
    whole
}

/// The canonical form, or the name of the error as the table has it.
fn form(text: &str) -> Result<String, String> {
    let name = |error: NameError| match error {
        NameError::Invalid(flaw) => format!("{flaw:?}"),
        error => format!("{error:?}"),
    };
    canonical(text, LIMITS).map(String::from).map_err(name)
}

#[test]
fn names_of_the_world_have_their_form_or_their_error() {
    let rows = table();
    assert!(rows.len() > 250, "{}", rows.len());
    let wrong: Vec<String> = rows
        .iter()
        .filter(|row| form(&row.text) != row.expected.clone().map_err(str::to_owned))
        .map(|Row { what, text, expected }| {
            let (text, found) = (text.escape_unicode(), form(text));
            format!("{what}: {text} is {found:?}, not {expected:?}")
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

/// The same through the server, by both protocols, and what others are shown is the form.
#[test]
fn names_reach_others_in_their_form() {
    let limits = Limits { ping_interval_ms: 3_600_000, ..generous().limits };
    let mut world = World::with(Config { limits, ..generous() });
    let (native, socketio) = (world.watch(), engine::join(&mut world));
    for Row { what, text, expected } in table() {
        let code = match &expected {
            Ok(_) => "",
            Err("Empty") => "name_empty",
            Err("TooLong") => "name_too_long",
            Err(_) => "name_invalid",
        };
        world.login(native, &text);
        world.pass_ms(50);
        let heard = world.heard(native);
        match &expected {
            Ok(name) => assert_eq!(world.names(), [name.as_str()], "{what}"),
            Err(_) => assert_eq!(heard[0][1]["code"], code, "{what}: {heard:?}"),
        }
        world.say(native, r#"["logout"]"#);
        world.pass_ms(50);
        engine::texts(&mut world, socketio);
        let login = serde_json::json!(["login", text]);
        world.say(socketio, &format!("427{login}"));
        let told = engine::texts(&mut world, socketio);
        let ack = told.iter().find(|text| text.starts_with("437")).expect("an acknowledgement");
        match &expected {
            Ok(_) => assert_eq!(ack, "437[null]", "{what}"),
            Err(_) => assert!(ack.starts_with(&format!(r#"437[{{"code":"{code}""#)), "{ack}"),
        }
        world.pass_ms(50);
        assert_eq!(world.names(), Vec::from_iter(expected.ok()), "{what}");
        world.say(socketio, r#"42["logout"]"#);
        world.pass_ms(50);
        engine::texts(&mut world, socketio);
        world.heard(native);
    }
}

/// The characters that the rules are about, and some letters of each kind for them to stand beside.
const PARTS: &str = "aé ʼ1#Ж\u{301}\u{308}\u{335}\u{20E3}\u{200B}\u{200C}\u{200D}\u{200E}\u{34F}\
    \u{FE0E}\u{FE0F}\u{E0100}\u{180B}\u{180E}ᠮᠠعلا\u{64E}\u{653}ברक़र\u{93C}\u{94D}\u{93F}য\
    র\u{9CD}তಕರ\u{CCD}නක\u{DCA}නന\u{D4D}த\u{BCD}\u{BB7}க\u{1100}\u{1161}\u{11A8}가が\u{3099}か\
    👩💻❤🔥👨🏽🧑🤝🇩🇪🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E007F}ก\u{E34}\u{E48}";

fn any_text(random: &mut Xorshift, parts: &[char], emoji: &[&str]) -> String {
    let length = 1 + random.below(12);
    let pieces = (0..length).map(|_| match random.below(8) {
        // A sequence, whole or cut.
        0 => {
            let sequence = emoji[random.below(emoji.len())];
            let cut = random.below(sequence.chars().count() + 4);
            sequence.chars().take(cut.max(1)).collect()
        }
        _ => parts[random.below(parts.len())].to_string(),
    });
    pieces.collect()
}

/// What is canonical stays, in whatever form of normalization it comes back; and it hides nothing.
#[test]
fn form_of_a_form_is_itself() {
    let parts: Vec<char> = PARTS.chars().collect();
    let emoji: Vec<&str> = EMOJI_SEQUENCES.lines().collect();
    let mut random = Xorshift::new(4);
    let mut names = 0;
    for _ in 0..100_000 {
        let text = any_text(&mut random, &parts, &emoji);
        let found = canonical(&text, LIMITS);
        // Nothing that comes of these needs more rounds than there are.
        let composed: String = text.nfc().collect();
        assert_eq!(canonical(&composed, LIMITS), found, "{}", text.escape_unicode());
        let Ok(name) = found else { continue };
        names += 1;
        assert_eq!(canonical(&name, LIMITS).as_ref(), Ok(&name), "{}", text.escape_unicode());
        let apart: String = name.nfd().collect();
        assert_eq!(canonical(&apart, LIMITS).as_ref(), Ok(&name), "{}", text.escape_unicode());
    }
    assert!(names > 5_000, "{names}");
}

/// Characters that show nothing make no other name of one, wherever they are put.
#[test]
fn names_do_not_differ_in_what_nobody_sees() {
    let dropped = "\u{AD}\u{34F}\u{61C}\u{17B4}\u{180B}\u{180F}\u{200B}\u{200E}\u{200F}\u{2060}\
                   \u{2063}\u{FE00}\u{FE0E}\u{FE0F}\u{FEFF}\u{E0100}\u{E01EF}";
    let is_sequence = |text: &str| text.contains(['\u{200C}', '\u{200D}']);
    for Row { what, text, expected } in table() {
        let Ok(name) = expected else { continue };
        let chars: Vec<char> = text.chars().collect();
        for at in 0..=chars.len() {
            let with = |c: char| String::from_iter([&chars[..at], &[c], &chars[at..]].concat());
            for c in dropped.chars() {
                assert_eq!(form(&with(c)), Ok(name.clone()), "{what}: {c:?} at {at}");
            }
        }
        // A joiner says something in some scripts; in these it never does.
        let plain = [' '..='\u{52F}', '\u{E00}'..='\u{EFF}', '\u{3041}'..='\u{D7A3}'];
        let is_plain = |c: char| plain.iter().any(|range| range.contains(&c));
        if !is_sequence(&text) && chars.iter().all(|&c| is_plain(c)) {
            for at in 0..=chars.len() {
                for c in ['\u{200C}', '\u{200D}', '\u{180E}'] {
                    let with = String::from_iter([&chars[..at], &[c], &chars[at..]].concat());
                    assert_eq!(form(&with), Ok(name.clone()), "{what}: {c:?} at {at}");
                }
            }
        }
    }
}

/// Two emoji with a joiner between them are another name only where that is another sign.
#[test]
fn joined_emoji_are_those_that_unicode_lists() {
    let ours: Vec<&str> = EMOJI_SEQUENCES.lines().collect();
    let all = emojis::iter().flat_map(|emoji| {
        let tones = emoji.skin_tones().into_iter().flatten();
        tones.chain(std::iter::once(emoji)).map(emojis::Emoji::as_str)
    });
    let is_flag = |c| ('\u{1F1E6}'..='\u{1F1FF}').contains(&c) || c == '\u{E007F}';
    let binds = |c: char| c == '\u{200D}' || c == '\u{20E3}' || is_flag(c);
    let mut theirs: Vec<&str> = all.filter(|emoji| emoji.contains(binds)).collect();
    theirs.sort_by_key(|emoji| emoji.replace('\u{FE0F}', ""));
    theirs.dedup();
    assert!(ours == theirs, "src/names/emoji.txt should be:\n{}", theirs.join("\n"));
    for emoji in ours {
        let chars: Vec<char> = emoji.chars().collect();
        assert_eq!(form(emoji).as_deref(), Ok(emoji));
        assert_eq!(form(&emoji.replace('\u{FE0F}', "")).as_deref(), Ok(emoji));
        assert_eq!(form(&format!("{emoji}{emoji}")), Ok(format!("{emoji}{emoji}")));
        let apart = emoji.replace('\u{200D}', "");
        let is_joined = emoji.contains('\u{200D}');
        assert_eq!(form(&apart).as_deref() == Ok(emoji), !is_joined, "{chars:?}");
    }
}

/// A reader counts one for each of these, and the limit of bytes holds for all.
#[test]
fn characters_are_counted_as_readers_count_them() {
    for one in [
        "x",
        "é",
        "\u{1112}\u{119E}\u{11AB}",
        "क्षि",
        "👨\u{200D}👩\u{200D}👧\u{200D}👦",
        "🇩🇪",
        "1\u{FE0F}\u{20E3}",
    ] {
        for count in 1..=5 {
            for chars_max in 1..=5 {
                let limits = NameLimits { chars_max, bytes_max: 128 };
                let found = canonical(&one.repeat(count), limits);
                assert_eq!(found.is_ok(), count <= chars_max, "{one} × {count}: {found:?}");
            }
        }
        let limits = NameLimits { chars_max: 32, bytes_max: one.len() * 2 };
        assert!(canonical(&one.repeat(2), limits).is_ok());
        assert_eq!(canonical(&one.repeat(3), limits), Err(NameError::TooLong), "{one}");
    }
    // A single character of many parts is no way around the limit of bytes.
    let syllable = "क\u{94D}".repeat(60) + "क";
    assert_eq!(canonical(&syllable, LIMITS), Err(NameError::TooLong));
    let jamo = "\u{1100}".repeat(60);
    assert_eq!(canonical(&jamo, LIMITS), Err(NameError::TooLong));
}
