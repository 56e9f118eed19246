//! The page and its files, held in memory.
//!
//! A path is looked up in an exact table, by its one form: decoded once, as a request head has it,
//! in Unicode's composed form (NFC), and a folder's own for its index. There is no joining and no
//! file system behind a request, and so no way out of the folder.

mod media_type;

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha1::{Digest, Sha1};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::page::{self, Page};
use crate::shared::Shared;

use media_type::media_type;

/// A file that is served.
#[derive(Clone, Debug)]
pub struct Asset {
    /// The value of its `Content-Type`.
    pub media_type: &'static str,
    /// The value of its `ETag`, quotes included: it changes when the content does.
    pub etag: String,
    /// The content.
    pub body: Shared,
    /// The value of its `Content-Security-Policy`. A file that is part of the program has one; what
    /// a page of somebody else's may do is not for us to say.
    pub policy: Option<String>,
}

impl Asset {
    /// A file with this name, of which the extension says what it is.
    pub fn new(name: &str, body: Shared) -> Asset {
        let is_utf8 = simdutf8::basic::from_utf8(&body).is_ok();
        let (media_type, etag) = (media_type(name, is_utf8), etag(&body));
        Asset { media_type, etag, body, policy: None }
    }
}

/// All files, by the path of their request.
#[derive(Clone, Debug, Default)]
pub struct Assets(BTreeMap<String, Asset>);

/// The files of `www/`, as they were when the program was built; but the page is made of them.
const EMBEDDED: [(&str, &[u8]); 7] = [
    ("favicon.svg", include_bytes!("../www/favicon.svg")),
    ("headcount.js", include_bytes!("../www/headcount.js")),
    ("page.js", include_bytes!("../www/page.js")),
    ("socket.io.esm.js", SOCKET_IO_MODULE.as_bytes()),
    ("socket.io.js", include_bytes!("../www/socket.io.js")),
    ("style.css", include_bytes!("../www/style.css")),
    ("words.js", include_bytes!("../www/words.js")),
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
    /// Files under their names, which are relative to the folder, with `/` between their parts.
    pub fn new(files: impl IntoIterator<Item = (String, Asset)>) -> Assets {
        Assets(files.into_iter().map(|(name, asset)| (request_path(&name), asset)).collect())
    }

    /// The files that are part of the program.
    pub fn embedded() -> Assets {
        let files = EMBEDDED.into_iter().map(|(name, content)| (name.to_owned(), content.into()));
        let mut assets: Assets = files.collect();
        assets.0.values_mut().for_each(|asset| asset.policy = Some(page::policy("", "")));
        let Page { html, policy } = Page::new();
        let page =
            Asset { policy: Some(policy), ..Asset::new("index.html", html.into_bytes().into()) };
        assets.0.insert("/".to_owned(), page);
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

    /// The file that a request for `path`, which is decoded, is answered with.
    pub fn get(&self, path: &str) -> Option<&Asset> {
        self.0.get(&*canonical(path))
    }

    /// Whether `path` is that of a folder with an index, but for the slash at its end.
    pub fn lacks_slash(&self, path: &str) -> bool {
        !path.ends_with('/') && self.0.contains_key(&*canonical(&format!("{path}/")))
    }

    /// The paths that there are files for.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl FromIterator<(String, Shared)> for Assets {
    /// Collects files of such names and contents.
    fn from_iter<I: IntoIterator<Item = (String, Shared)>>(files: I) -> Assets {
        Assets::new(files.into_iter().map(|(name, body)| {
            let asset = Asset::new(&name, body);
            (name, asset)
        }))
    }
}

/// The path under which a file is served, given its name relative to the folder: as a request for
/// it is decoded, and the folder's own for an index.
pub fn request_path(name: &str) -> String {
    canonical(&format!("/{name}")).into_owned()
}

/// The form in which paths are compared. Accents that one system writes into the names of files are
/// composed, and those of another not, and a page has either: they are the same name. A folder
/// stands for its index.
fn canonical(path: &str) -> Cow<'_, str> {
    let path = match path.strip_suffix("index.html") {
        Some(folder) if folder.ends_with('/') => folder,
        _ => path,
    };
    if is_nfc(path) { Cow::Borrowed(path) } else { Cow::Owned(path.nfc().collect()) }
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
        assert_eq!(&*assets.get("/page.js").unwrap().body, b"another");
    }

    #[test]
    fn files_are_found_under_the_path_of_their_request_only() {
        let files = ["index.html", "a/index.html", "a/b c.JS", "李.css", "notindex.html", "%41.js"];
        let assets: Assets =
            files.into_iter().map(|name| (name.to_owned(), name.as_bytes().into())).collect();
        for (path, content) in [
            ("/", Some("index.html")),
            ("/index.html", Some("index.html")),
            ("/a/", Some("a/index.html")),
            ("/a/index.html", Some("a/index.html")),
            ("/index.html/", None),
            ("index.html", None),
            ("/a/b c.JS", Some("a/b c.JS")),
            ("/李.css", Some("李.css")),
            ("/%41.js", Some("%41.js")),
            ("/A.js", None),
            ("/notindex.html", Some("notindex.html")),
            ("/a", None),
            ("/a/../index.html", None),
            ("/./index.html", None),
            ("//", None),
            ("//index.html", None),
            ("", None),
        ] {
            let found = assets.get(path).map(|asset| &*asset.body);
            assert_eq!(found, content.map(str::as_bytes), "{path}");
        }
        let script = assets.get("/a/b c.JS").unwrap();
        assert_eq!(script.media_type, "text/javascript; charset=utf-8");
    }

    #[test]
    fn name_is_the_same_composed_or_not() {
        let (composed, decomposed) = ("\u{fc}.txt", "u\u{308}.txt");
        for name in [composed, decomposed] {
            let assets: Assets = [(name.to_owned(), Shared::from("ü"))].into_iter().collect();
            for asked in [composed, decomposed] {
                assert!(assets.get(&format!("/{asked}")).is_some(), "{name:?}: {asked:?}");
            }
            assert!(assets.get("/u.txt").is_none());
        }
    }

    #[test]
    fn only_a_folder_with_an_index_lacks_a_slash() {
        let files = ["a/index.html", "b/page.html", "c", "d/u\u{308}/index.html"];
        let assets: Assets =
            files.into_iter().map(|name| (name.to_owned(), Shared::default())).collect();
        for (path, lacks) in [
            ("/a", true),
            ("/d/\u{fc}", true),
            ("/a/", false),
            ("/b", false),
            ("/c", false),
            ("/d", false),
            ("", false),
            ("/", false),
            ("//a", false),
            ("/a/index.html", false),
        ] {
            assert_eq!(assets.lacks_slash(path), lacks, "{path}");
        }
    }
}
