//! The page and its files, held in memory.
//!
//! A path is looked up as it was sent, in an exact table: there is no decoding, joining or file
//! system behind a request, and so no way out of the folder.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha1::{Digest, Sha1};

use crate::broadcast::Shared;

/// A file that is served.
#[derive(Clone, Debug)]
pub struct Asset {
    /// The value of its `Content-Type`.
    pub media_type: &'static str,
    /// The value of its `ETag`, quotes included: it changes when the content does.
    pub etag: String,
    /// The content.
    pub body: Shared,
    /// Whether it is part of the program, and so known not to need what a page must not do.
    pub is_embedded: bool,
}

/// All files, by the path of their request.
#[derive(Clone, Debug)]
pub struct Assets(BTreeMap<String, Asset>);

/// The files of `www/`, as they were when the program was built.
const EMBEDDED: [(&str, &[u8]); 7] = [
    ("favicon.svg", include_bytes!("../www/favicon.svg")),
    ("headcount.js", include_bytes!("../www/headcount.js")),
    ("index.html", include_bytes!("../www/index.html")),
    ("page.js", include_bytes!("../www/page.js")),
    ("socket.io.esm.js", SOCKET_IO_MODULE.as_bytes()),
    ("socket.io.js", include_bytes!("../www/socket.io.js")),
    ("style.css", include_bytes!("../www/style.css")),
];

/// The client of Socket.IO as a module, with the exports of socket.io's own. The script finds
/// itself in CommonJS, and so it defines nothing for the page.
const SOCKET_IO_MODULE: &str = concat!(
    "const module = { exports: {} };\nconst { exports } = module;\n",
    include_str!("../www/socket.io.js"),
    "const io = module.exports;\n",
    "export { io, io as connect, io as default };\n",
    "export const { Manager, Socket, protocol } = io;\n",
    "export const { Fetch, XHR, NodeXHR, WebSocket, NodeWebSocket, WebTransport } = io;\n",
);

impl Assets {
    /// The files that are part of the program.
    pub fn embedded() -> Assets {
        let files = EMBEDDED.into_iter().map(|(name, content)| (name.to_owned(), content.into()));
        let mut assets: Assets = files.collect();
        assets.0.values_mut().for_each(|asset| asset.is_embedded = true);
        assets
    }

    /// Adds the program's own file for `path`, if there is one and it would replace none.
    #[must_use]
    pub fn with_embedded(mut self, path: &str) -> Assets {
        let own = Assets::embedded().0.remove(path);
        if let Some(own) = own.filter(|_| !self.0.contains_key(path)) {
            self.0.insert(path.to_owned(), own);
        }
        self
    }

    /// The file that a request for `path` is answered with.
    pub fn find(&self, path: &str) -> Option<&Asset> {
        self.0.get(without_index(path))
    }

    /// The paths that there are files for.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl FromIterator<(String, Shared)> for Assets {
    /// Collects files under names that are relative to the folder, with `/` between their parts.
    fn from_iter<I: IntoIterator<Item = (String, Shared)>>(files: I) -> Assets {
        let assets = files.into_iter().map(|(name, body)| {
            let (media_type, etag) = (media_type(&name), etag(&body));
            (request_path(&name), Asset { media_type, etag, body, is_embedded: false })
        });
        Assets(assets.collect())
    }
}

/// The path under which browsers ask for the file: percent-encoded (RFC 3986 §2.1), and the
/// folder's own for an index.
fn request_path(name: &str) -> String {
    let mut path = String::from("/");
    for byte in without_index(name).bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                path.push(char::from(byte));
            }
            _ => path.push_str(&format!("%{byte:02X}")),
        }
    }
    path
}

/// A path with the folder in place of its index: both mean the same.
fn without_index(path: &str) -> &str {
    match path.strip_suffix("index.html") {
        Some(folder) if folder.is_empty() || folder.ends_with('/') => folder,
        _ => path,
    }
}

fn media_type(name: &str) -> &'static str {
    let (_, extension) = name.rsplit_once('.').unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "html" | "htm" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        _ => "application/octet-stream",
    }
}

/// A strong validator (RFC 9110 §8.8.3). SHA-1 is no signature here, only a fingerprint.
fn etag(content: &[u8]) -> String {
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(Sha1::digest(content)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_file_is_added_where_there_is_none() {
        let files = [("page.js".to_owned(), b"another".as_slice().into())];
        let assets: Assets = files.into_iter().collect();
        let assets = assets.with_embedded("/page.js").with_embedded("/style.css");
        let assets = assets.with_embedded("/nothing");
        assert_eq!(assets.paths().collect::<Vec<_>>(), ["/page.js", "/style.css"]);
        assert_eq!(&*assets.find("/page.js").unwrap().body, b"another");
    }

    #[test]
    fn files_are_found_under_the_path_of_their_request_only() {
        let files = ["index.html", "a/index.html", "a/b c.JS", "李.css", "notindex.html"];
        let assets: Assets =
            files.into_iter().map(|name| (name.to_owned(), name.as_bytes().into())).collect();
        for (path, content) in [
            ("/", Some("index.html")),
            ("/index.html", Some("index.html")),
            ("/a/", Some("a/index.html")),
            ("/a/index.html", Some("a/index.html")),
            ("/index.html/", None),
            ("/index%2Ehtml", None),
            ("index.html", None),
            ("/a/b%20c.JS", Some("a/b c.JS")),
            ("/%E6%9D%8E.css", Some("李.css")),
            ("/notindex.html", Some("notindex.html")),
            ("/a", None),
            ("/a/../index.html", None),
            ("//", None),
            ("/%2e%2e/index.html", None),
            ("", None),
        ] {
            let found = assets.find(path).map(|asset| &*asset.body);
            assert_eq!(found, content.map(str::as_bytes), "{path}");
        }
        let script = assets.find("/a/b%20c.JS").unwrap();
        assert_eq!(script.media_type, "text/javascript; charset=utf-8");
    }

    /// A browser runs no module and compiles no WebAssembly that is called something else, and with
    /// `nosniff` it guesses nothing.
    #[test]
    fn media_type_follows_the_last_extension() {
        for (name, media_type) in [
            ("a.html", "text/html; charset=utf-8"),
            ("a.mjs", "text/javascript; charset=utf-8"),
            ("a.min.css", "text/css; charset=utf-8"),
            ("a.js.map", "application/json"),
            ("a.webmanifest", "application/manifest+json"),
            ("robots.txt", "text/plain; charset=utf-8"),
            ("a.SVG", "image/svg+xml"),
            ("a.png", "image/png"),
            ("a.jpeg", "image/jpeg"),
            ("a.gif", "image/gif"),
            ("a.webp", "image/webp"),
            ("a.avif", "image/avif"),
            ("favicon.ico", "image/x-icon"),
            ("a.woff2", "font/woff2"),
            ("a.wasm", "application/wasm"),
            ("a.mp3", "audio/mpeg"),
            ("a.mp4", "video/mp4"),
            ("a.html.exe", "application/octet-stream"),
            ("LICENSE", "application/octet-stream"),
        ] {
            assert_eq!(super::media_type(name), media_type, "{name}");
        }
    }
}
