//! What requests are answered with: connections that are kept, HEAD, caching, the page's fields,
//! paths, and answers that say nothing of what was asked.

use headcount::assets::Assets;
use headcount::config::{Config, Limits, OriginPolicy};

use crate::http::{check, exchange};
use crate::wire::{self, Answer};
use crate::world::World;

/// The answer to one request, which must be all that comes.
fn ask(method: &str, path: &str, lines: &str) -> Answer {
    ask_in(&mut World::new(), method, path, lines)
}

fn ask_in(world: &mut World, method: &str, path: &str, lines: &str) -> Answer {
    let request = format!("{method} {path} HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    let (mut bytes, _) = exchange(world, [request.as_bytes()]);
    let answer = wire::take_answer(&mut bytes, method == "HEAD").expect("an answer");
    assert_eq!(bytes.escape_ascii().to_string(), "", "{method} {path}");
    answer
}

/// RFC 9112 §9.3, §9.6: when a connection is kept, and that its end is announced.
#[test]
fn connection_is_kept_unless_one_side_says_close() {
    for (version, lines, kept) in [
        ("1.1", "", true),
        ("1.1", "Connection: keep-alive\r\n", true),
        ("1.1", "Connection: closed\r\n", true),
        ("1.1", "Connection: not-close\r\n", true),
        ("1.1", "Connection: x close\r\n", true),
        ("1.1", "Connection:\r\n", true),
        ("1.1", "Proxy-Connection: close\r\n", true),
        ("1.1", "Keep-Alive: timeout=0\r\n", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "connection: Close\r\n", false),
        ("1.1", "Connection: keep-alive, close\r\n", false),
        ("1.1", "Connection: close ,keep-alive\r\n", false),
        ("1.1", "Connection: ,\tclose,\r\n", false),
        ("1.1", "Connection: keep-alive\r\nConnection: close\r\n", false),
        ("1.0", "", false),
        ("1.0", "Connection: close\r\n", false),
        ("1.0", "Connection: keep-alive\r\n", false),
    ] {
        for (method, path, status) in [("GET", "/healthz", 200), ("HEAD", "/nothing", 404)] {
            let raw = format!("{method} {path} HTTP/{version}\r\nHost: a\r\n{lines}\r\n");
            check(&Config::default(), "9112 §9.3", raw.as_bytes(), &[status], kept);
            let (mut bytes, _) = exchange(&mut World::new(), [raw.as_bytes()]);
            let answer = wire::take_answer(&mut bytes, method == "HEAD").unwrap();
            assert_eq!(answer.field("Connection"), (!kept).then_some("close"), "§9.6: {raw}");
        }
    }
}

/// RFC 9110 §9.3.2: the fields of the answer to GET, and no content; RFC 9112 §6.3, 1: the next
/// answer begins right after the fields.
#[test]
fn head_has_the_fields_of_get_and_no_content() {
    let assets = Assets::embedded();
    let paths = assets.paths().chain(["/healthz", "/roster", "/nothing", "/?x"]);
    let etag = format!("If-None-Match: {}\r\n", ask("GET", "/", "").field("ETag").unwrap());
    for path in paths {
        for lines in ["", "Connection: close\r\n", &etag] {
            let (get, head) = (ask("GET", path, lines), ask("HEAD", path, lines));
            assert_eq!((head.status, &head.fields), (get.status, &get.fields), "{path}");
            let length = head.field("Content-Length").map(|length| length.parse().unwrap());
            assert_eq!(length.unwrap_or(0), get.body.len(), "{path}");
        }
    }
    let mut world = World::new();
    let pipeline = ["HEAD /", "GET /style.css", "HEAD /healthz", "HEAD /nothing", "GET /healthz"];
    let raw = pipeline.map(|line| format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n")).concat();
    for cut in 0..raw.len() {
        let (front, back) = raw.as_bytes().split_at(cut);
        let (mut bytes, is_ended) = exchange(&mut world, [front, back]);
        for line in pipeline {
            let (method, path) = line.split_once(' ').unwrap();
            let answer = wire::take_answer(&mut bytes, method == "HEAD").unwrap();
            let length = answer.field("Content-Length").unwrap();
            assert_eq!(length, ask("GET", path, "").body.len().to_string(), "{line}");
        }
        assert!(bytes.is_empty() && !is_ended);
    }
}

/// RFC 9110 §13.1.2 and §15.4.5.
#[test]
fn page_that_the_client_has_is_not_sent_again() {
    let mut world = World::new();
    for path in Assets::embedded().paths() {
        let full = ask_in(&mut world, "GET", path, "");
        let tag = full.field("ETag").expect("a file has an ETag").to_owned();
        assert!(tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"'), "§8.8.3: {tag}");
        let opaque = tag.trim_matches('"');
        for (lines, status) in [
            (format!("If-None-Match: {tag}"), 304),
            (format!("if-none-match:{tag}"), 304),
            (format!("If-None-Match: W/{tag}"), 304),
            ("If-None-Match: *".to_owned(), 304),
            (format!("If-None-Match: \"x\", {tag}"), 304),
            (format!("If-None-Match: {tag} , \"x\""), 304),
            (format!("If-None-Match: \"x\",W/\"y\",,\tW/{tag}"), 304),
            (format!("If-None-Match: \"x\"\r\nIf-None-Match: {tag}"), 304),
            (format!("If-None-Match: \"a,b\", {tag}"), 304),
            // Without a date of its own, a server ignores dates (§13.1.3), and prefers the tag.
            (format!("If-None-Match: {tag}\r\nIf-Modified-Since: {DATE}"), 304),
            (format!("If-None-Match: \"x\"\r\nIf-Modified-Since: {DATE}"), 200),
            (format!("If-Modified-Since: {DATE}"), 200),
            (format!("If-Unmodified-Since: {DATE}"), 200),
            ("If-None-Match: \"x\"".to_owned(), 200),
            ("If-None-Match:".to_owned(), 200),
            ("If-None-Match: \"*\"".to_owned(), 200),
            ("If-None-Match: W/*".to_owned(), 200),
            (format!("If-None-Match: {opaque}"), 200),
            (format!("If-None-Match: '{opaque}'"), 200),
            (format!("If-None-Match: w/{tag}"), 200),
            (format!("If-None-Match: W/W/{tag}"), 200),
            (format!("If-None-Match: \"{}\"", opaque.to_ascii_lowercase()), 200),
            (format!("If-None-Match: \"{}\"", &opaque[1..]), 200),
            (format!("If-None-Match: \"x{opaque}\""), 200),
            (format!("X-If-None-Match: {tag}"), 200),
        ] {
            let answer = ask_in(&mut world, "GET", path, &(lines.clone() + "\r\n"));
            assert_eq!(answer.status, status, "{path}: {lines}");
            if status == 304 {
                // §15.4.5: what a cache needs to bring its copy up to date, and no more.
                for name in ["ETag", "Cache-Control", "Date"] {
                    assert_eq!(answer.field(name), full.field(name), "{name}");
                }
                assert_eq!((answer.field("Content-Length"), &answer.body[..]), (None, &b""[..]));
            } else {
                assert_eq!(answer, full, "{path}: {lines}");
            }
        }
    }
    let there_is_nothing = ask("GET", "/nothing", "If-None-Match: *\r\n");
    assert_eq!(there_is_nothing.status, 404, "§13.2.1: only what would be 200 can be 304");
}

const DATE: &str = "Sun, 06 Nov 2044 08:49:37 GMT";

#[test]
fn page_says_what_it_is_and_what_it_may_do() {
    for (path, media_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/page.js", "text/javascript; charset=utf-8"),
        ("/headcount.js", "text/javascript; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/favicon.svg", "image/svg+xml"),
        ("/roster", "application/json"),
        ("/healthz", "text/plain; charset=utf-8"),
        ("/nothing", "text/plain; charset=utf-8"),
    ] {
        let answer = ask("GET", path, "Accept: image/png\r\nAccept-Encoding: gzip\r\n");
        assert_eq!(answer.field("Content-Type"), Some(media_type), "{path}");
        assert_eq!(answer.field("X-Content-Type-Options"), Some("nosniff"), "{path}");
        assert_eq!(answer.field("Date"), Some("Mon, 23 Nov 2026 12:00:00 GMT"), "{path}");
        assert!(answer.field("Cache-Control").is_some(), "{path}");
        for name in ["Server", "Content-Encoding", "Set-Cookie", "Access-Control-Allow-Origin"] {
            assert_eq!(answer.field(name), None, "{path}");
        }
    }
    for path in Assets::embedded().paths() {
        let answer = ask("GET", path, "");
        let policy = answer.field("Content-Security-Policy").expect("a policy");
        let directives: Vec<&str> = policy.split(';').map(str::trim).collect();
        // CSP Level 3: nothing is allowed that is not named; of what stands in the page itself, one
        // script and one style.
        let own = |directive: &&&str| directive.contains(" 'sha256-");
        assert_eq!(directives.iter().filter(own).count(), if path == "/" { 2 } else { 0 });
        let directives: Vec<&str> =
            directives.iter().map(|one| one.split(" 'sha256-").next().unwrap()).collect();
        for needed in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(directives.contains(&needed), "{path}: {needed}");
        }
        for bad in ["unsafe", "*", "http:", "https:", "strict-dynamic", "blob:"] {
            assert!(!policy.contains(bad), "{path}: {bad}");
        }
        let scripts = directives.iter().filter(|directive| directive.contains("data:"));
        assert!(scripts.clone().all(|directive| directive.starts_with("img-src ")), "{path}");
    }
}

/// What a page of somebody else's may run is for its owner to say.
#[test]
fn folder_has_no_policy_of_ours() {
    let mut world = World::new();
    let page = ("index.html".to_owned(), b"<script>go()</script>"[..].into());
    world.hub.set_assets(Assets::from_iter([page]).with_embedded("/headcount.js"));
    assert_eq!(ask_in(&mut world, "GET", "/", "").field("Content-Security-Policy"), None);
    let own = ask_in(&mut world, "GET", "/headcount.js", "");
    assert!(own.field("Content-Security-Policy").is_some(), "an embedded file keeps its own");
}

/// C12: files are looked up in a table, under a path that is decoded once and never resolved.
#[test]
fn path_that_is_not_a_files_is_not_found() {
    let mut world = World::new();
    let outside = [
        "/../Cargo.toml",
        "/../../etc/passwd",
        "/..",
        "/../",
        "/.",
        "/./",
        "//",
        "///",
        "/...",
        "/..;/",
        "/%2e%2e/",
        "/%2E%2E/Cargo.toml",
        "/.%2e/Cargo.toml",
        "/..%5cCargo.toml",
        "/..\\Cargo.toml",
        "/%252e%252e%252fCargo.toml",
        "/~root",
        "/C:/",
        "/www/index.html",
        "/index.html/",
        "/Cargo.toml",
        "/src/main.rs",
        "/.git/config",
        "/etc/passwd",
        "//etc/passwd",
        "/proc/self/environ",
        "/healthz/",
        "/Healthz",
        "/healthz%20",
        "/roster.json",
        "/echo",
        "/ws/",
        "/WS",
    ];
    let near = ["{}/", "/{}", "/.{}", "/x/..{}", "{}%20", "{}.", "{};x", "{}~", "{}%3fx"];
    let assets = Assets::embedded();
    let mut paths: Vec<String> = outside.map(str::to_owned).to_vec();
    for path in assets.paths().filter(|path| *path != "/") {
        paths.extend(near.iter().map(|form| form.replace("{}", path)));
        paths.extend([path.to_ascii_uppercase(), path.replace('.', "%252e")]);
    }
    for path in paths {
        let answer = ask_in(&mut world, "GET", &path, "");
        assert_eq!(
            (answer.status, &answer.body[..]),
            (404, &b"there is nothing here\n"[..]),
            "{path}"
        );
        let absolute = ask_in(&mut world, "GET", &format!("http://a{path}"), "");
        assert_eq!(absolute, answer, "{path}");
    }
}

/// C10: wherever a line end, a NUL or a text is put into a request, no answer has it: heads are
/// made of this server's own words.
#[test]
fn answers_say_nothing_of_what_was_asked() {
    let origins = OriginPolicy::Listed(vec!["http://b".parse().unwrap()]);
    let limits = Limits { pending_max: 1 << 20, ..Limits::default() };
    let config = Config {
        origins,
        limits,
        hosts: ["a", "b"].map(|host| host.parse().unwrap()).into(),
        ..Config::default()
    };
    let mut world = World::with(config);
    let tag = ask("GET", "/", "").field("ETag").unwrap().to_owned();
    let fields = "Sec-WebSocket-Protocol: headcount.v1, x\r\nSec-WebSocket-Extensions: y\r\n";
    let requests = [
        format!("GET / HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\nIf-None-Match: {tag}\r\n\r\n"),
        "POST http://a/?q HTTP/1.0\r\nHost: b\r\nExpect: x\r\nContent-Length: 1\r\n\r\n".to_owned(),
        String::from_utf8(wire::handshake("/ws", fields)).unwrap().replace("localhost:3000", "a"),
    ];
    let mut heads = 0;
    for request in requests {
        for at in 0..=request.len() {
            for injected in
                ["\r\nZzz: 1\r\n", "\nZzz: 1", "\rZzz: 1", "\0Zzz", "Zzz", "%0d%0aZzz: 1"]
            {
                let (front, back) = request.split_at(at);
                let raw = [front, injected, back].concat();
                let (mut bytes, _) = exchange(&mut world, [raw.as_bytes()]);
                let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
                assert!(!text.contains("zzz"), "{raw:?}: {text:?}");
                let to_head = raw.starts_with("HEAD");
                while bytes.starts_with(b"HTTP/") {
                    let Some(answer) = wire::take_answer(&mut bytes, to_head) else { break };
                    let is_plain =
                        |value: &str| value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
                    assert!(
                        answer.fields.iter().all(|(n, v)| is_plain(n) && is_plain(v)),
                        "{raw:?}"
                    );
                    heads += 1;
                }
            }
        }
    }
    assert!(heads > 2_000, "most are answered: {heads}");
}

/// RFC 9110 §7.4: "a request for an "https" resource MUST be rejected unless it has been received
/// over a connection that has been secured", or comes from a trusted gateway.
#[test]
fn target_of_https_is_misdirected() {
    assert_eq!(ask("GET", "https://a/healthz", "").status, 421);
}

/// RFC 9110 §13.1.1: an origin server MUST evaluate `If-Match`, and "MUST NOT perform the
/// requested method" if it is false.
#[test]
fn page_that_has_changed_is_not_sent_to_who_wants_the_old_one() {
    let tag = ask("GET", "/", "").field("ETag").unwrap().to_owned();
    for (lines, status) in [
        (format!("If-Match: {tag}\r\n"), 200),
        (format!("If-Match: \"x\", {tag}\r\n"), 200),
        ("If-Match: *\r\n".to_owned(), 200),
        ("If-Match: \"x\"\r\n".to_owned(), 412),
        // §8.8.3.2: compared strongly, so that a weak tag is never the same.
        (format!("If-Match: W/{tag}\r\n"), 412),
    ] {
        assert_eq!(ask("GET", "/", &lines).status, status, "{lines}");
    }
}

/// RFC 9110 §10.2.1: `Allow` lists the methods of that resource.
#[test]
fn methods_that_are_allowed_are_those_of_the_resource() {
    for method in ["HEAD", "POST", "OPTIONS"] {
        assert_eq!(ask(method, "/ws", "").field("Allow"), Some("GET"), "{method}");
    }
    for method in ["POST", "OPTIONS"] {
        assert_eq!(ask(method, "/", "").field("Allow"), Some("GET, HEAD, OPTIONS"), "{method}");
    }
}
