//! What `--allow-origin` takes, which origins that means, and what it refuses at the start.

use headcount::config::Config;
use headcount::http::AllowedOrigin;
use headcount::http::OriginError::{self, *};

use crate::handshake::{LINE, check_handshake, handshake, with_echo};
use crate::origin::list;

/// `--allow-origin`, and the origins that are meant: those of apps, of files, below a domain.
const SETTINGS: &[(&str, &[&str], &[&str])] = &[
    ("https://b.com", &["https://b.com"], &["http://b.com", "https://b.com:8443", "https://B.com"]),
    ("HTTPS://B.Com:443/", &["https://b.com"], &["https://b.com:443", "HTTPS://B.Com:443"]),
    ("http://b.com:080", &["http://b.com"], &["http://b.com:80"]),
    ("http://b.com:", &["http://b.com"], &[]),
    ("http://b.com:65535", &["http://b.com:65535"], &["http://b.com"]),
    ("https://b.com.", &["https://b.com."], &["https://b.com"]),
    ("http://my_host:3000", &["http://my_host:3000"], &[]),
    ("https://xn--bcher-kva.example", &["https://xn--bcher-kva.example"], &[]),
    ("http://127.0.0.1:3000", &["http://127.0.0.1:3000"], &["http://127.0.0.1"]),
    ("http://[0:0::1]:80", &["http://[::1]"], &["http://[::1]:80", "http://[0:0::1]"]),
    ("http://[::FFFF:1.2.3.4]", &["http://[::ffff:102:304]"], &[]),
    ("null", &["null"], &["Null:", "https://null", ""]),
    ("file://", &["file://"], &["file:///", "file://a", "null"]),
    ("file:///", &["file://"], &["file:///"]),
    (
        "capacitor://localhost",
        &["capacitor://localhost"],
        &["capacitor://localhost:80", "ionic://localhost"],
    ),
    (
        "Tauri://localhost",
        &["tauri://localhost"],
        &["tauri://localhost.evil.com", "http://localhost"],
    ),
    ("ionic://localhost/", &["ionic://localhost"], &["http://ionic://localhost"]),
    ("app://.", &["app://."], &["app://", "app://a"]),
    ("app://obsidian.md", &["app://obsidian.md"], &["app://x.obsidian.md"]),
    ("myapp://", &["myapp://"], &["myapp://a"]),
    (
        "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
        &["chrome-extension://abcdefghijklmnopabcdefghijklmnop"],
        &["chrome-extension://bbcdefghijklmnopabcdefghijklmnop"],
    ),
    (
        "safari-web-extension://0D1B0F5C-76A4-4A1F-A5F0-3C5B8D1E2F3A",
        &[
            "safari-web-extension://0D1B0F5C-76A4-4A1F-A5F0-3C5B8D1E2F3A",
            "safari-web-extension://0d1b0f5c-76a4-4a1f-a5f0-3c5b8d1e2f3a",
        ],
        &["safari-web-extension://"],
    ),
    (
        "moz-extension://0d1b0f5c-76a4",
        &["moz-extension://0d1b0f5c-76a4"],
        &["moz-extension://0d1b"],
    ),
    ("ws://b.com:80", &["ws://b.com", "WS://B.com"], &["http://b.com", "wss://b.com"]),
    (
        "https://*.B.com",
        &["https://a.b.com", "https://a.a.b.com", "https://x-1_y.b.com", "https://xn--a.b.com"],
        &[
            "https://b.com",
            "https://.b.com",
            "https://a..b.com",
            "https://*.b.com",
            "https://A.b.com",
            "https://a.B.com",
            "https://ab.com",
            "https://evilb.com",
            "https://a.b.com.evil.com",
            "https://evil.com/.b.com",
            "https://evil.com#.b.com",
            "https://evil.com?.b.com",
            "https://evil.com\\.b.com",
            "https://u@a.b.com",
            "https://evil.com:80.b.com",
            "https://[::1].b.com",
            "https://%61.b.com",
            "https:// .b.com",
            "https://\u{430}.b.com",
            "https://a.b.com:8443",
            "https://a.b.com:443",
            "https://a.b.com.",
            "https://a.b.com/",
            "http://a.b.com",
            "wss://a.b.com",
            "https://a.b.com https://a.b.com",
        ],
    ),
    ("https://*.b.com:443", &["https://a.b.com"], &["https://a.b.com:443"]),
    ("http://*.b.com:8080/", &["http://a.b.com:8080"], &["http://a.b.com", "http://a.b.com:80800"]),
    ("http://*.localhost:4000", &["http://a.localhost:4000"], &["http://localhost:4000"]),
    ("https://*.b.co.uk", &["https://a.b.co.uk"], &["https://b.co.uk", "https://c.co.uk"]),
];

#[test]
fn setting_means_the_origins_that_browsers_and_apps_send() {
    for (setting, meant, others) in SETTINGS {
        let config = Config { origins: list(&[setting]), ..with_echo() };
        let expected = meant.iter().map(|origin| (origin, 101));
        for (origin, status) in expected.chain(others.iter().map(|origin| (origin, 403))) {
            let raw = handshake(LINE, "", format!("Origin: {origin}").as_bytes());
            check_handshake(&config, setting, &raw, status);
        }
    }
}

/// An error, what its sentence has, and settings that get it.
const REFUSED: &[(OriginError, &str, &[&str])] = &[
    (
        NoScheme,
        "like https://example.com",
        &[
            "",
            "b.com",
            "//b.com",
            "localhost:3000",
            "https:b.com",
            "https:/b.com",
            "NULL",
            "**",
            "1a://b",
            " https://b.com",
            "a b://c",
            "*.b.com",
            "*://b.com",
        ],
    ),
    (
        Opaque,
        "null",
        &[
            "data:text/html,x",
            "about:blank",
            "blob:https://b.com/x",
            "javascript://b.com",
            "ftp://b.com",
            "DATA://",
        ],
    ),
    (
        Several,
        "once for each",
        &[
            "https://a.com, https://b.com",
            "https://a.com,https://b.com",
            "https://a.com https://b.com",
            "https://b.com ",
            "https://b .com",
            "https://b.com\t",
            "https://b.com\0",
        ],
    ),
    (
        Path,
        "without a path",
        &[
            "https://b.com/app",
            "https://b.com//",
            "https://b.com?x",
            "https://b.com#x",
            "https://b.com\\x",
            "https://b.com/*",
            "file:///home",
            "file://host",
            "capacitor://localhost/x",
        ],
    ),
    (
        UserInfo,
        "user name",
        &["https://u@b.com", "https://u:p@b.com", "https://*@b.com", "app://u@x"],
    ),
    (
        Port,
        "1 to 65535",
        &[
            "http://localhost:*",
            "http://b.com:99999",
            "http://b.com:65536",
            "http://b.com:0",
            "http://b.com:x",
            "http://b.com:-1",
            "http://b.com:+80",
            "http://[::1]:x",
            "https://*.b.com:*",
            "app://b:99999",
        ],
    ),
    (
        International,
        "xn--",
        &["https://b\u{fc}cher.example", "https://\u{430}.com", "https://*.b\u{fc}cher.example"],
    ),
    (
        Host,
        "such a host",
        &[
            "https://",
            "https://:80",
            "https://b..com",
            "https://.b.com",
            "https://b%2e.com",
            "https://b!.com",
            "https://a:b:80",
            "https://(b)",
            "app://a<b",
            "app://a:b:80",
            "app://\u{e9}",
        ],
    ),
    (
        Address,
        "127.0.0.1",
        &[
            "http://127.1",
            "http://1.2.3.4.5",
            "http://256.0.0.1",
            "http://0x7f.1",
            "http://127.0.0.01",
            "http://[::1",
            "http://[::g]",
            "http://[fe80::1%25eth0]",
            "http://[127.0.0.1]",
        ],
    ),
    (
        Wildcard,
        "https://*.example.com",
        &[
            "https://*",
            "https://*b.com",
            "https://b.*.com",
            "https://a.*",
            "https://*.*.b.com",
            "https://b*.com",
            "https://*.[::1]",
            "app://*",
            "chrome-extension://*",
            "app://*.b.com",
        ],
    ),
    (
        TooWide,
        "your own",
        &[
            "https://*.com",
            "https://*.com.",
            "https://*.co.uk",
            "https://*.com.au",
            "https://*.org.uk",
            "http://*.local",
            "http://*.internal",
        ],
    ),
];

/// What would never match stops the start, with a sentence that says how to write it.
#[test]
fn setting_that_nobody_sends_is_refused_with_the_way_to_write_it() {
    for (error, hint, settings) in REFUSED {
        for setting in *settings {
            assert_eq!(setting.parse::<AllowedOrigin>(), Err(*error), "{setting:?}");
        }
        assert!(error.to_string().contains(hint), "{error}");
    }
}
