//! Half a surrogate pair, which JSON can escape and Unicode text can't have: a script makes one
//! when it cuts a string inside an emoji. In a name it is a flaw of the name; anywhere else in JSON
//! it makes no difference.

use headcount::config::{Config, Limits};
use serde_json::Value;

use crate::engine::{self, texts};
use crate::threats::generous;
use crate::wire::Told;
use crate::world::World;

/// A high one, a low one, both in the wrong order, the same twice, and one before a letter.
const HALVES: [&str; 6] =
    [r"\ud83d", r"\uDE00", r"\ude00\ud83d", r"\ud83d\ud83d", r"\ud83d\u0041", r"\ud83d\n"];

fn names() -> impl Iterator<Item = String> {
    let places = |half: &str| {
        [half.to_owned(), format!("Ann {half}"), format!("{half}Ann"), format!("A{half}n")]
    };
    HALVES.into_iter().flat_map(places)
}

fn world() -> World {
    let limits = Limits { ping_interval_ms: 3_600_000, ..generous().limits };
    World::with(Config { limits, ..generous() })
}

#[track_caller]
fn assert_is_refusal(error: &Value, name: &str) {
    assert_eq!(error["code"], "name_invalid", "{name}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("half a character"), "{name}: {message}");
}

#[test]
fn name_with_half_a_character_is_refused_as_a_name_by_both_protocols() {
    let mut world = world();
    let native = world.watch();
    world.login(native, "Ada");
    world.pass_ms(50);
    world.heard(native);
    let client = engine::join(&mut world);
    for name in names() {
        world.say(native, &format!(r#"["login","{name}"]"#));
        let heard = world.heard(native);
        assert_is_refusal(&heard[0][1], &name);

        world.say(client, &format!(r#"42["login","{name}"]"#));
        let told = texts(&mut world, client);
        let event: Value = serde_json::from_str(told[0].strip_prefix("42").unwrap()).unwrap();
        assert_eq!((told.len(), &event[0]), (1, &Value::from("error")));
        assert_is_refusal(&event[1], &name);

        world.say(client, &format!(r#"4212["login","{name}"]"#));
        let told = texts(&mut world, client);
        let ack: Value = serde_json::from_str(told[1].strip_prefix("4312").unwrap()).unwrap();
        assert!(told[0].starts_with(r#"42["error""#));
        assert_is_refusal(&ack[0], &name);
    }
    assert_eq!(world.names(), ["Ada"], "a refusal changes nothing");
    // Both halves in their order are a character.
    world.say(native, r#"["login","\ud83d\ude00"]"#);
    world.say(client, r#"421["login","\uD83D\uDC69\u200D\uD83D\uDCBB"]"#);
    world.pass_ms(50);
    assert_eq!(world.names(), ["👩\u{200D}💻", "😀"]);
}

#[test]
fn half_a_character_elsewhere_ends_no_connection() {
    let mut world = world();
    let (native, client) = (world.watch(), engine::join(&mut world));
    for half in HALVES {
        for (message, code) in [
            (format!(r#"["{half}"]"#), "event_unknown"),
            (format!(r#"["login{half}","Ann"]"#), "event_unknown"),
            (format!(r#"["shout",{{"{half}":"{half}"}}]"#), "event_unknown"),
            (format!(r#"["login","Ann","{half}"]"#), "message_invalid"),
            (format!(r#"["login",{{"name":"{half}"}}]"#), "message_invalid"),
            (format!(r#"["logout","{half}"]"#), "message_invalid"),
        ] {
            world.say(native, &message);
            assert_eq!(world.heard(native)[0][1]["code"], code, "{message}");
            world.say(client, &format!("427{message}"));
            let ack = texts(&mut world, client).pop().unwrap();
            assert!(ack.starts_with(&format!(r#"437[{{"code":"{code}""#)), "{message}: {ack}");
        }
        // The payload of CONNECT, a namespace, an acknowledgement that nobody asked for and an
        // event with an attachment are no name.
        for (packet, answer) in [
            (format!(r#"40/{half},{{"token":"{half}"}}"#), "40/"),
            (format!(r#"40/x,{{"{half}":"{half}"}}"#), "40/x,{"),
            (format!(r#"437["{half}"]"#), ""),
            (format!(r#"451-7["{half}",{{"_placeholder":true,"num":0}}]"#), ""),
        ] {
            world.say(client, &packet);
            if packet.starts_with("451") {
                world.send(client, &crate::wire::frame(0x82, b"bytes"));
            }
            let told = texts(&mut world, client);
            assert!(
                told.iter().any(|text| text.starts_with(answer)) || answer.is_empty(),
                "{told:?}"
            );
        }
        world.say(client, "41/x,");
        world.say(client, &format!("41/{half},"));
        let closed = |told: &Told| matches!(told, Told::Close(_));
        assert!(!world.told(native).iter().any(closed) && !world.told(client).iter().any(closed));
    }
    assert!(world.names().is_empty());
}

/// A surrogate that is encoded as if UTF-8 had it is no text at all (RFC 3629 §3): the connection
/// fails, as RFC 6455 §8.1 says.
#[test]
fn surrogate_in_the_bytes_of_a_message_fails_the_connection() {
    for bytes in [&b"[\"login\",\"\xED\xA0\xBD\"]"[..], b"[\"login\",\"\xED\xB8\x80\"]"] {
        let mut world = world();
        let native = world.watch();
        world.send(native, &crate::wire::frame(0x81, bytes));
        assert!(world.told(native).contains(&Told::Close(Some(1007))));
    }
}
