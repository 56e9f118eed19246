//! What clients of Socket.IO do wrong: refused over HTTP, or closed; and nobody else notices.

use headcount::assets::Assets;
use headcount::config::{Config, Limits, OriginPolicy};
use serde_json::{Value, json};

use crate::engine::{self, PATH, bytes, join, login, names, texts};
use crate::wire::{self, Answer, Told};
use crate::world::World;

/// What goes wrong: after which packets, what is sent, and the code of the Close.
type Case = (&'static [&'static str], Vec<u8>, u16);

fn say(packet: &str) -> Vec<u8> {
    wire::text(packet)
}

fn cases() -> Vec<Case> {
    let deep = |levels: usize| format!("42[\"x\",{}{}]", "[".repeat(levels), "]".repeat(levels));
    let joined: &[&str] = &["40"];
    let waiting: &[&str] = &["40", r#"452-["x",{"_placeholder":true,"num":0}]"#];
    vec![
        // Engine.IO: no packet, or one that only a server sends.
        (&[], say(""), 1007),
        (&[], say("abc"), 1007),
        (&[], say("0{}"), 1007),
        (&[], say("2"), 1007),
        (&[], say("2probe"), 1007),
        (&[], say("5"), 1007),
        (&[], say("6"), 1007),
        (&[], say("3x"), 1007),
        (&[], say("7"), 1007),
        // Socket.IO: no packet.
        (&[], say("4"), 1007),
        (&[], say("4abc"), 1007),
        (&[], say("47"), 1007),
        (&[], say("40[]"), 1007),
        (&[], say("40{"), 1007),
        (joined, say("42"), 1007),
        (joined, say("42{}"), 1007),
        (joined, say("42[]"), 1007),
        (joined, say("42[\"x\"]x"), 1007),
        (joined, say("42abc[\"x\"]"), 1007),
        (joined, say("42[\"connect\"]"), 1007),
        (joined, say("42[{\"__proto__\":\"login\"}]"), 1007),
        (joined, say("4299999999999999999999[\"x\"]"), 1007),
        (joined, say("41{}"), 1007),
        (joined, say("45[\"x\"]"), 1007),
        (joined, say("45x-[\"x\"]"), 1007),
        // In the wrong place.
        (&[], say("42[\"login\",\"Ada\"]"), 1002),
        (&[], say("41"), 1002),
        (&[], say("431[]"), 1002),
        (&[], say("451-[\"x\"]"), 1002),
        (&[], bytes(b"x"), 1002),
        (joined, say("40"), 1002),
        (joined, say("40/,{}"), 1002),
        (joined, say("42/other,[\"login\",\"Ada\"]"), 1002),
        (joined, say("41/other,"), 1002),
        (joined, say("44{\"message\":\"x\"}"), 1002),
        (joined, bytes(b"x"), 1002),
        (&["40", "41"], say("42[\"login\",\"Ada\"]"), 1002),
        (&["40", "41"], say("41"), 1002),
        (waiting, say("42[\"x\"]"), 1002),
        (waiting, say("41"), 1002),
        (waiting, [bytes(b"1"), say("451-[\"x\"]")].concat(), 1002),
        (waiting, [bytes(b"1"), bytes(b"2"), bytes(b"3")].concat(), 1002),
        // Over a limit.
        (joined, say("4511-[\"x\"]"), 1008),
        (joined, say("45999999999999-[\"x\"]"), 1008),
        (joined, say(&deep(32)), 1008),
        (joined, say(&deep(8_000)), 1008),
        (&[], say(&format!("40/{},", "x".repeat(1024))), 1008),
        (joined, wire::frame(0x82, &vec![0; 16 * 1024 + 1]), 1009),
        (joined, say("42[\"logout\"]").repeat(41), 1008),
    ]
}

#[test]
fn who_breaks_the_protocol_is_closed_and_leaves_and_the_others_stay() {
    for (before, wrong, code) in cases() {
        let shown = wrong[..wrong.len().min(60)].escape_ascii().to_string();
        let mut world = World::new();
        let (native, other, peer) = (world.watch(), join(&mut world), engine::open(&mut world));
        // Whoever is on the roster when it goes wrong leaves it.
        let is_present = before == ["40"];
        for packet in before {
            world.say(peer, packet);
        }
        if is_present {
            login(&mut world, peer, "Eve");
            world.pass_ms(5_000);
            assert_eq!(names("42", texts(&mut world, other).last().unwrap()), ["Eve"]);
        }
        world.told(peer);
        // What comes after it in the same segment is not looked at.
        world.send(peer, &[wrong, say("42[\"login\",\"Mallory\"]")].concat());
        assert_eq!(world.told(peer).last(), Some(&Told::Close(Some(code))), "{shown}");
        assert!(world.is_half_closed(peer), "{shown}");
        world.pass_ms(100);
        if is_present {
            assert_eq!(names("42", texts(&mut world, other).last().unwrap()), [""; 0], "{shown}");
            assert_eq!(world.heard(native).len(), 2, "{shown}: came and went");
        }
        assert!(!world.is_half_closed(native) && !world.is_half_closed(other), "{shown}");
        assert_eq!(world.names(), [""; 0], "{shown}");
        world.end(peer);
        assert!(world.is_closed(peer), "{shown}");
        assert_eq!(world.hub.buffered_bytes(), 0, "{shown}");
    }
}

#[test]
fn just_inside_the_limits_all_is_well() {
    let mut world = World::new();
    let peer = join(&mut world);
    for index in 1..32 {
        world.say(peer, &format!("40/{index:064},"));
    }
    assert_eq!(world.told(peer).len(), 2 * 31);
    world.pass_ms(10_000);
    world.say(peer, &format!("42[\"x\",{}{}]", "[".repeat(31), "]".repeat(31)));
    world.say(peer, "4510-[\"x\"]");
    world.send(peer, &bytes(&[7; 1_000]).repeat(10));
    assert_eq!(texts(&mut world, peer).len(), 2, "two errors for an event that is not known");
}

#[test]
fn unasked_acknowledgements_are_ignored() {
    let mut world = World::new();
    let peer = join(&mut world);
    world.say(peer, "43[]");
    world.say(peer, "43123[{\"x\":1}]");
    world.say(peer, "461-5[{\"_placeholder\":true,\"num\":0}]");
    world.send(peer, &bytes(b"x"));
    assert_eq!(texts(&mut world, peer), [""; 0]);
    login(&mut world, peer, "Ada");
    assert_eq!(world.names(), ["Ada"]);
}

#[test]
fn what_a_client_owes_has_a_time() {
    let limits = Limits { connect_timeout_ms: 3_000, ..Limits::default() };
    let mut world = World::with(Config { limits, ..Config::default() });
    let (silent, waiting) = (engine::open(&mut world), join(&mut world));
    login(&mut world, waiting, "Ada");
    world.say(waiting, "452-[\"x\"]");
    world.send(waiting, &bytes(b"1"));
    assert!(world.hub.buffered_bytes() > 0);
    world.told(waiting);
    world.pass_ms(2_900);
    assert_eq!(world.names(), ["Ada"]);
    assert!(world.told(silent).is_empty());
    world.pass_ms(200);
    for peer in [silent, waiting] {
        assert_eq!(world.told(peer), [Told::Close(Some(1008))]);
        world.send(peer, &wire::close(1008));
    }
    assert_eq!(world.names(), [""; 0]);
    assert_eq!(world.hub.buffered_bytes(), 0);

    // Who has joined and sent all may be silent for ever, and so may who has left.
    let (joined, left) = (join(&mut world), join(&mut world));
    world.say(left, "41");
    world.say(joined, "451-[\"x\"]");
    world.send(joined, &bytes(b"1"));
    world.pass_ms(10_000);
    assert!(!world.is_half_closed(joined) && !world.is_half_closed(left));
}

/// What waits for attachments is a connection's own memory, and counts. The attachments are no use
/// to anyone and are not kept.
#[test]
fn packet_that_waits_for_attachments_counts_in_the_memory_of_all() {
    let limits = Limits { bytes_per_second: 1 << 30, ..Limits::default() };
    let mut world = World::with(Config { limits, ..Config::default() });
    let peer = engine::open(&mut world);
    world.say(peer, "40");
    let text = "x".repeat(10_000);
    world.say(peer, &format!("452-[\"{text}\"]"));
    assert!((10_000..11_000).contains(&world.hub.buffered_bytes()));
    world.send(peer, &bytes(&vec![0; 15_000]));
    assert!((10_000..11_000).contains(&world.hub.buffered_bytes()));
    world.send(peer, &bytes(&vec![0; 15_000]));
    assert_eq!(world.hub.buffered_bytes(), 0);
}

// Over HTTP.

fn ask(config: Config, request: &str) -> Answer {
    let mut world = World::with(config);
    let peer = world.connect();
    world.send(peer, request.as_bytes());
    let answer = world.answer(peer);
    if answer.status != 101 {
        // What follows a request for another protocol is not looked at.
        let leads_away = request.contains("Upgrade:");
        assert_eq!(world.is_half_closed(peer), leads_away, "{request:?}");
    }
    answer
}

fn check_refused(config: Config, request: &str, status: u16, code: u8, message: &str) {
    let answer = ask(config, request);
    assert_eq!(answer.status, status, "{request:?}");
    assert_eq!(answer.field("content-type"), Some("application/json"));
    assert_eq!(answer.field("cache-control"), Some("no-store"));
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body, json!({ "code": code, "message": message }), "{request:?}");
}

#[test]
fn request_that_opens_no_session_is_told_why() {
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let transport = (0, "Transport unknown");
    let session = (1, "Session ID unknown");
    let method = (2, "Bad handshake method");
    let bad = (3, "Bad request");
    let forbidden = (4, "Forbidden");
    let version = (5, "Unsupported protocol version");
    for (line, query, fields, (code, message)) in [
        ("GET", "", "", transport),
        ("GET", "EIO=4", upgrade, transport),
        ("GET", "EIO=4&transport=abc", upgrade, transport),
        ("GET", "EIO=4&transport=__proto__", upgrade, transport),
        ("GET", "EIO=4&transport=", upgrade, transport),
        ("GET", "EIO=4&transport=polling", upgrade, bad),
        ("GET", "EIO=3&transport=polling", "", version),
        ("GET", "EIO=4&transport=polling&sid=abc", "", session),
        ("GET", "EIO=4&transport=webtransport", upgrade, transport),
        ("GET", "EIO=4&transport=websocket&transport=websocket", upgrade, transport),
        ("POST", "EIO=4&transport=polling", "", method),
        ("GET", "EIO=4&transport=websocket&sid=abc", upgrade, session),
        ("POST", "EIO=4&transport=websocket&sid=abc", "", session),
        ("POST", "EIO=4&transport=websocket", upgrade, method),
        ("PUT", "EIO=4&transport=websocket", "Content-Length: 0\r\n", method),
        ("DELETE", "EIO=abc&transport=websocket", "", method),
        ("GET", "EIO=4&transport=websocket", "", bad),
        ("GET", "EIO=4&transport=websocket", "Upgrade: h2c\r\nConnection: Upgrade\r\n", bad),
        ("GET", "EIO=4&transport=websocket", "Origin: http://a\u{e9}\r\n", bad),
        ("GET", "EIO=4&transport=websocket", "Origin: http://a\r\nOrigin: http://a\r\n", bad),
        (
            "GET",
            "EIO=4&transport=websocket",
            "Origin: http://evil.com\r\nUpgrade: websocket\r\n",
            forbidden,
        ),
        ("GET", "EIO=4&transport=websocket", "Origin: null\r\nUpgrade: websocket\r\n", forbidden),
        ("GET", "transport=websocket", upgrade, version),
        ("GET", "EIO=abc&transport=websocket", upgrade, version),
        ("GET", "EIO=3&transport=websocket", upgrade, version),
        ("GET", "EIO=5&transport=websocket", upgrade, version),
        ("GET", "EIO=4&EIO=4&transport=websocket", upgrade, version),
        ("GET", "eio=4&transport=websocket", upgrade, version),
    ] {
        let request = format!("{line} /socket.io/?{query} HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        let status = if code == 4 { 403 } else { 400 };
        check_refused(Config::default(), &request, status, code, message);
    }
    // The rest of the opening handshake is as anywhere else.
    let wrong_version = upgrade.replace("13", "8");
    let request = format!("GET {PATH} HTTP/1.1\r\nHost: a\r\n{wrong_version}\r\n");
    assert_eq!(ask(Config::default(), &request).status, 426);
    let request = format!("GET {PATH}&t=abc&b64=1&x HTTP/1.1\r\nHost: a\r\n{upgrade}\r\n");
    assert_eq!(ask(Config::default(), &request).status, 101);
}

#[test]
fn pages_that_may_connect_may_read_why_not() {
    let listed = "https://a.com".parse().unwrap();
    let config = Config { origins: OriginPolicy::Listed(vec![listed]), ..Config::default() };
    let request = "GET /socket.io/ HTTP/1.1\r\nHost: b\r\nOrigin: https://a.com\r\n\r\n";
    let answer = ask(config.clone(), request);
    assert_eq!(answer.field("access-control-allow-origin"), Some("https://a.com"));
    let other = request.replace("a.com", "c.com");
    assert_eq!(ask(config, &other).field("access-control-allow-origin"), None);
}

#[test]
fn client_is_where_pages_ask_for_it() {
    let mut world = World::new();
    let files =
        [("socket.io.js", "script"), ("socket.io.esm.js", "module"), ("index.html", "page")];
    let file = |(name, body): (&str, &'static str)| (name.to_owned(), body.as_bytes().into());
    world.hub.set_assets(files.into_iter().map(file).collect());
    for (path, body) in [
        ("/socket.io/socket.io.js", "script"),
        ("/socket.io/socket.io.js?v=4", "script"),
        ("/socket.io/socket.io.min.js", "script"),
        ("/socket.io/socket.io.msgpack.min.js", "script"),
        ("/socket.io/socket.io.esm.min.js", "module"),
        ("/socket.io.js", "script"),
        ("/socket.io.esm.js", "module"),
    ] {
        let peer = world.connect();
        world.send(peer, format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        let answer = world.answer(peer);
        assert_eq!((answer.status, &*answer.body), (200, body.as_bytes()), "{path}");
        assert_eq!(answer.field("content-type"), Some("text/javascript; charset=utf-8"));
        let tag = answer.field("etag").unwrap();
        for tag in [tag.to_owned(), format!("W/{tag}")] {
            let fields = format!("Host: a\r\nIf-None-Match: {tag}\r\n");
            world.send(peer, format!("GET {path} HTTP/1.1\r\n{fields}\r\n").as_bytes());
            assert_eq!(world.answer(peer).status, 304);
        }
    }
    for map in ["js", "min.js", "esm.min.js", "msgpack.min.js"] {
        let peer = world.connect();
        let request = format!("GET /socket.io/socket.io.{map}.map HTTP/1.1\r\nHost: a\r\n\r\n");
        world.send(peer, request.as_bytes());
        assert_eq!(world.answer(peer).status, 404, "{map}");
    }
    world.hub.set_assets(Assets::from_iter([]));
    for path in ["/socket.io/socket.io.js", "/socket.io/other.js", "/socket.io", "/engine.io/"] {
        let peer = world.connect();
        world.send(peer, format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        assert_eq!(world.answer(peer).status, 404, "{path}");
    }
}

/// Neither names a map, so that no browser asks for one.
#[test]
fn module_is_the_script_and_its_exports() {
    let assets = Assets::embedded();
    let text = |path: &str| String::from_utf8(assets.get(path).unwrap().body.to_vec()).unwrap();
    let (script, module) = (text("/socket.io.js"), text("/socket.io.esm.js"));
    let (before, after) = module.split_once(&script).expect("the script");
    assert!(
        before.lines().count() == 2 && after.contains("export { io, io as connect"),
        "{module}"
    );
    assert!(!script.contains("export ") && !module.contains("sourceMappingURL"));
}
