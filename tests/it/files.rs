//! Requests for files: the names that there may be, parts of files, and folders.

use headcount::assets::Assets;
use headcount::config::{Config, OriginPolicy};
use headcount::hub::Routes;
use headcount::shared::Shared;

use crate::http::exchange;
use crate::wire::{self, Answer};
use crate::world::World;

/// A server that serves files of these names, each with its name as its content.
fn serving(names: &[&'static str]) -> World {
    serving_with(Config::default(), names)
}

fn serving_with(config: Config, names: &[&'static str]) -> World {
    let mut world = World::with(config);
    let file = |name: &&'static str| ((*name).to_owned(), Shared::from(*name));
    world.hub.set_assets(names.iter().map(file).collect());
    world
}

fn ask(world: &mut World, method: &str, target: &str, lines: &str) -> Answer {
    let request = format!("{method} {target} HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    let (mut bytes, _) = exchange(world, [request.as_bytes()]);
    let answer = wire::take_answer(&mut bytes, method == "HEAD").expect("an answer");
    assert_eq!(bytes.escape_ascii().to_string(), "", "{method} {target}");
    answer
}

fn get(world: &mut World, target: &str) -> Answer {
    ask(world, "GET", target, "")
}

/// Every way to write the path of a file: `encodes` says which bytes are escapes, `digits` how.
fn spelled(name: &str, encodes: impl Fn(u8) -> bool, is_upper: bool) -> String {
    let mut path = String::from("/");
    for byte in name.bytes() {
        match byte {
            _ if byte != b'/' && encodes(byte) && is_upper => path += &format!("%{byte:02X}"),
            _ if byte != b'/' && encodes(byte) => path += &format!("%{byte:02x}"),
            _ => path.push(char::from(byte)),
        }
    }
    path
}

/// RFC 3986 §6.2.2. WHATWG URL, "path percent-encode set": browsers encode no more than they must.
#[test]
fn file_is_found_however_its_path_is_encoded() {
    let names = [
        "logo@2x.png",
        "photo (1).png",
        "$types.js",
        "[slug].js",
        "c++.png",
        "a&b=c;d,e:f.txt",
        "it's!.txt",
        "x^y|z.txt",
        "a`{b}.txt",
        "50%.txt",
        "%41.txt",
        "#1?.txt",
        "<\"a\">.txt",
        "back\\slash.txt",
        "~user/*.txt",
        "grün/Ελλάδα/名.txt",
        "👩‍💻.txt",
        "new\nline.txt",
        "..a",
        "a..",
        "...",
    ];
    let mut world = serving(&names);
    // What must be encoded; that and what browsers encode; what encodeURIComponent leaves; and all.
    let needs = |byte: u8| !byte.is_ascii_graphic() || b"%?#".contains(&byte);
    let browser = |byte: u8| needs(byte) || b"\"<>`{}^".contains(&byte);
    let component = |byte: u8| !byte.is_ascii_alphanumeric() && !b"-_.!~*'()".contains(&byte);
    for name in names {
        let all = |_: u8| true;
        for is_upper in [true, false] {
            for path in [
                spelled(name, needs, is_upper),
                spelled(name, browser, is_upper),
                spelled(name, component, is_upper),
                spelled(name, all, is_upper),
            ] {
                let answer = get(&mut world, &path);
                assert_eq!((answer.status, &*answer.body), (200, name.as_bytes()), "{path}");
                assert_eq!(get(&mut world, &format!("http://a{path}?v=1")), answer, "{path}");
                // Encoded twice it is another name.
                let twice = path.replace('%', "%25");
                assert!(twice == path || get(&mut world, &twice).status == 404, "{twice}");
            }
        }
    }
}

/// RFC 3986 §6.2.2.2: the same goes for what is no file.
#[test]
fn route_is_found_however_its_path_is_encoded() {
    let mut world = World::with(Config { echo: true, ..Config::default() });
    for route in ["/ws", "/roster", "/roster/a", "/healthz", "/metrics", "/socket.io/", "/echo"] {
        let name = route.trim_start_matches('/');
        let plain = get(&mut world, route);
        for is_upper in [true, false] {
            let encoded = spelled(name, |_| true, is_upper);
            let answer = get(&mut world, &encoded);
            let answer = (answer.status, answer.field("Content-Type"));
            assert_eq!(answer, (plain.status, plain.field("Content-Type")), "{encoded}");
        }
    }
    let handshake = String::from_utf8(wire::handshake("/%77s", "")).unwrap();
    let (mut bytes, _) = exchange(&mut world, [handshake.as_bytes()]);
    assert_eq!(wire::take_answer(&mut bytes, false).unwrap().status, 101);
}

#[test]
fn c12_path_that_is_encoded_wrongly_is_a_bad_request() {
    let mut world = serving(&["a", "a/b", "%", "%zz"]);
    for path in [
        "/%",
        "/%4",
        "/%4/",
        "/%zz",
        "/%%",
        "/a%",
        "/a%2",
        "/a%2g",
        "/%u0061",
        "/a%00",
        "/%00a",
        "/a%2fb",
        "/a%2Fb",
        "/%2f",
        "/..%2fa",
        "/%80",
        "/%ff",
        "/%c3",
        "/%c3%28",
        "/%c0%80",
        "/%c0%ae%c0%ae/a",
        "/%e0%80%af",
        "/%ed%a0%80",
        "/%f4%90%80%80",
    ] {
        for target in [path.to_owned(), format!("{path}?a"), format!("http://a{path}")] {
            let answer = get(&mut world, &target);
            assert_eq!(answer.status, 400, "{target}");
            assert_eq!(answer.body, b"the request target is invalid\n", "{target}");
        }
    }
    assert_eq!(get(&mut world, "/a?%zz%00%2f").status, 200, "a query is not decoded");
}

/// Browsers resolve dot segments before they ask; a client that does not gets nothing.
#[test]
fn c12_dot_segments_lead_nowhere() {
    let mut world = serving(&["index.html", "a/index.html", "a/b"]);
    for path in [
        "/.",
        "/./",
        "/..",
        "/../",
        "/a/.",
        "/a/./",
        "/a/..",
        "/a/../",
        "/a/./b",
        "/./a/b",
        "/x/../a/b",
        "/a/%2e/b",
        "/a/%2e%2e/a/b",
        "/%2E%2e/a/b",
        "/.%2e/",
        "//",
        "//a/b",
        "/a//b",
        "/a//",
        "/a/b/",
        "/a/b/.",
        "/a/b/..",
    ] {
        assert_eq!(get(&mut world, path).status, 404, "{path}");
    }
}

/// RFC 9110 §14, §15.3.7.
#[test]
fn part_of_a_file_is_served() {
    let mut world = serving(&["0123456789.mp4"]);
    let full = get(&mut world, "/0123456789.mp4");
    let length = full.body.len();
    assert_eq!(full.field("Accept-Ranges"), Some("bytes"));
    let tag = full.field("ETag").unwrap();
    for (range, from, to) in [
        ("bytes=0-1", 0, 1),
        ("bytes=3-", 3, length - 1),
        ("bytes=-4", length - 4, length - 1),
        ("bytes=0-99999", 0, length - 1),
        ("bytes=13-13", 13, 13),
    ] {
        for lines in ["", &format!("If-Range: {tag}\r\n"), &format!("If-Match: {tag}\r\n")] {
            let lines = format!("Range: {range}\r\n{lines}");
            let answer = ask(&mut world, "GET", "/0123456789.mp4", &lines);
            assert_eq!((answer.status, &*answer.body), (206, &full.body[from..=to]), "{lines}");
            let content_range = format!("bytes {from}-{to}/{length}");
            assert_eq!(answer.field("Content-Range"), Some(&*content_range), "{lines}");
            let content_length = (to - from + 1).to_string();
            assert_eq!(answer.field("Content-Length"), Some(&*content_length), "{lines}");
            for name in ["ETag", "Cache-Control", "Content-Type", "Date", "Accept-Ranges"] {
                assert_eq!(answer.field(name), full.field(name), "§15.3.7: {name}");
            }
        }
    }
}

#[test]
fn range_that_can_not_be_served_is_ignored_or_not_satisfiable() {
    let mut world = serving(&["0123456789", "empty/index.html"]);
    let full = get(&mut world, "/0123456789");
    let (tag, date) = (full.field("ETag").unwrap(), "Sun, 06 Nov 2044 08:49:37 GMT");
    for lines in [
        "Range: bytes=5-2\r\n".to_owned(),
        "Range: bytes=0-1,4-5\r\n".to_owned(),
        format!("Range: bytes={}\r\n", "0-,".repeat(2_000)),
        "Range: lines=0-1\r\n".to_owned(),
        "Range: 0-1\r\n".to_owned(),
        "Range:\r\n".to_owned(),
        "Range: bytes=0-1\r\nRange: bytes=0-1\r\n".to_owned(),
        // RFC 9110 §13.1.5: compared strongly, and a date is not what it was served with.
        "Range: bytes=0-1\r\nIf-Range: \"x\"\r\n".to_owned(),
        "Range: bytes=0-1\r\nIf-Range: *\r\n".to_owned(),
        format!("Range: bytes=0-1\r\nIf-Range: W/{tag}\r\n"),
        format!("Range: bytes=0-1\r\nIf-Range: {date}\r\n"),
        format!("Range: bytes=99-\r\nIf-Range: {date}\r\n"),
        format!("If-Range: {tag}\r\n"),
    ] {
        assert_eq!(ask(&mut world, "GET", "/0123456789", &lines), full, "{lines:.60}");
    }
    for range in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999999-"] {
        let lines = format!("Range: {range}\r\n");
        let answer = ask(&mut world, "GET", "/0123456789", &lines);
        assert_eq!((answer.status, answer.field("Content-Range")), (416, Some("bytes */10")));
        // §14.2: only GET has ranges.
        let head = ask(&mut world, "HEAD", "/0123456789", &lines);
        assert_eq!((head.status, &head.fields), (200, &full.fields), "{range}");
        // §13.2.2: whether it has changed is looked at before.
        let lines = format!("{lines}If-None-Match: {tag}\r\n");
        assert_eq!(ask(&mut world, "GET", "/0123456789", &lines).status, 304, "{range}");
        let lines = format!("Range: {range}\r\nIf-Match: \"x\"\r\n");
        assert_eq!(ask(&mut world, "GET", "/0123456789", &lines).status, 412, "{range}");
    }
    let empty = [("empty".to_owned(), Shared::default())];
    world.hub.set_assets(empty.into_iter().collect());
    for range in ["bytes=0-", "bytes=0-1", "bytes=-1"] {
        let answer = ask(&mut world, "GET", "/empty", &format!("Range: {range}\r\n"));
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{range}");
    }
}

/// However large a file is and however often a part of it is asked for, it is there once.
#[test]
fn c12_part_of_a_file_costs_no_copy() {
    let mut world = World::new();
    let body = Shared::from(vec![b'x'; 8 << 20]);
    world.hub.set_assets([("large.mp4".to_owned(), body)].into_iter().collect());
    let request = b"GET /large.mp4 HTTP/1.1\r\nHost: a\r\nRange: bytes=1-\r\n\r\n";
    let peers: Vec<_> = (0..50).map(|_| world.connect()).collect();
    let memory = allocation_counter::measure(|| {
        for peer in &peers {
            let id = world.id(*peer);
            world.hub.received(id, &mut request.to_vec(), headcount::time::Time::ZERO);
            assert!(world.hub.transmit(id).total() > 8 << 20);
        }
    });
    assert!(memory.bytes_max < 200_000, "{} bytes", memory.bytes_max);
}

#[test]
fn folder_is_where_its_slash_is() {
    let names = ["index.html", "docs/index.html", "docs/a b:c/index.html", "ü/index.html", "x/y"];
    let mut world = serving(&names);
    for (target, location) in [
        ("/docs", "./docs/"),
        ("/docs?", "./docs/"),
        ("/docs?a=1&b=//c?d", "./docs/?a=1&b=//c?d"),
        ("/%64ocs", "./docs/"),
        ("http://a/docs?q", "./docs/?q"),
        ("/docs/a%20b:c", "./a%20b%3Ac/"),
        ("/%c3%bc", "./%C3%BC/"),
        ("/u%cc%88", "./u%CC%88/"),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = ask(&mut world, method, target, "");
            assert_eq!(answer.status, 301, "{target}");
            assert_eq!(answer.field("Location"), Some(location), "{target}");
            assert_eq!(answer.field("Cache-Control"), Some("no-store"), "it may be a file one day");
        }
    }
    assert_eq!(get(&mut world, "/docs/").body, b"docs/index.html");
    assert_eq!(get(&mut world, "/docs/index.html").body, b"docs/index.html");
    for target in ["/x", "/x/", "/docs/index.html/", "/docs//", "//docs", "/doc", "/DOCS"] {
        assert_eq!(get(&mut world, target).status, 404, "{target}");
    }
}

/// A redirect that begins with two slashes, or with a slash and a backslash, leads elsewhere.
#[test]
fn c12_no_redirect_leads_to_another_server() {
    let names =
        ["/evil.com/index.html", "\\evil.com/index.html", "http:/index.html", "a/index.html"];
    let mut world = serving(&names);
    for target in [
        "//evil.com",
        "/\\evil.com",
        "/%5cevil.com",
        "/%5Cevil.com?//evil.com",
        "/http:",
        "//evil.com/..",
        "/%09/evil.com",
        "http://a//evil.com",
    ] {
        let answer = get(&mut world, target);
        if let Some(location) = answer.field("Location") {
            let segment = location.strip_prefix("./").expect("a relative reference");
            let (segment, _) = segment.split_once('/').expect("a folder");
            assert!(!segment.is_empty() && !segment.contains(['\\', ':']), "{target}: {location}");
        }
    }
}

/// What a page of another origin may read, it may be redirected to.
#[test]
fn redirect_and_part_are_shared_as_files_are() {
    let config = Config { origins: OriginPolicy::Any, ..Config::default() };
    let mut world = serving_with(config, &["docs/index.html"]);
    for (target, lines) in [("/docs", ""), ("/docs/", "Range: bytes=0-1\r\n"), ("/docs/", "")] {
        let answer = ask(&mut world, "GET", target, lines);
        assert_eq!(answer.field("Access-Control-Allow-Origin"), Some("*"), "{target}");
    }
}

/// The list of routes is what the reader of a folder goes by to say which files are not served.
#[test]
fn route_shadows_a_file_and_nothing_else_does() {
    let names = [
        "ws",
        "echo",
        "roster",
        "healthz",
        "metrics",
        "socket.io/index.html",
        "socket.io/socket.io.js",
        "socket.io.js",
        "wss",
        "ws/index.html",
        "ws/a.html",
        "roster/a/b",
        "rosters",
    ];
    for echo in [false, true] {
        let config = Config { echo, ..Config::default() };
        let routes = Routes::of(&config);
        let mut world = serving_with(config, &names);
        for name in names {
            let path = headcount::assets::request_path(name);
            let is_served = get(&mut world, &path).body == name.as_bytes();
            assert_eq!(is_served, !routes.has(&path), "{path}");
        }
    }
    // The script of socket.io has two names, and the folder may have either.
    let mut world = serving(&["socket.io.js"]);
    assert_eq!(get(&mut world, "/socket.io/socket.io.js").body, b"socket.io.js");
    assert!(Assets::default().get("/").is_none());
}
