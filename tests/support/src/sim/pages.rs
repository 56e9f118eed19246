//! What pages and programs ask for by HTTP: some with bodies, which nobody wants, and some with
//! what is no body.

use super::choices::Choices;

/// What is asked for, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    path: &'static str,
    method: &'static str,
    content: Content,
}

/// The body of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Missing,
    /// So many bytes.
    Known(usize),
    /// So many bytes, in chunks of at most so many.
    Chunked(usize, usize),
    /// So many bytes that are sent if the server wants them, or whether it does or not.
    Announced(usize, bool),
    /// One of [`FLAWS`].
    Flawed(usize),
    /// So many bytes are said to come, and fewer do.
    Torn(usize),
}

/// How the answer to a request is to be read, and which it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub is_head: bool,
    pub is_roster: bool,
    /// It is of a session of Socket.IO.
    pub is_polled: bool,
    pub status: u16,
    /// Nothing is answered after it.
    pub is_last: bool,
}

/// The largest body that is read.
pub const BODY_BYTES_MAX: u32 = 300;

const PATHS: [&str; 9] = [
    "/",
    "/healthz",
    "/roster",
    "/roster/doc-1",
    "/roster/a%20b",
    "/roster/a/b",
    "/roster/nobody%20is%20here",
    NOWHERE,
    "/headcount.js",
];

const NOWHERE: &str = "/none";

/// What could be a body to somebody, and what it is answered: lines of the head, what comes before
/// and after so many bytes of data, and a status.
const FLAWS: [(&str, &str, usize, &str, u16); 7] = [
    ("Content-Length: 301", "", 301, "", 413),
    ("Content-Length: 4\r\nContent-Length: 5", "", 5, "", 400),
    ("Transfer-Encoding: chunked", "12d\r\n", 301, "\r\n0\r\n\r\n", 413),
    ("Transfer-Encoding: chunked", "5\r\nhello\r\n12c\r\n", 300, "\r\n0\r\n\r\n", 413),
    ("Transfer-Encoding: chunked", "5\r\n", 6, "\r\n0\r\n\r\n", 400),
    ("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n", 0, "", 400),
    ("Transfer-Encoding: gzip, chunked", "0\r\n\r\n", 0, "", 501),
];

/// The bytes of all bodies. Whoever takes some of them for a request answers what nobody asked.
const REQUESTS: &str = "GET /none HTTP/1.1\r\nHost: a\r\n\r\n";

/// One of those that there are. The last of a client may be one that ends its connection.
pub fn page(is_last: bool, choices: &mut Choices) -> Page {
    let most = BODY_BYTES_MAX + 1;
    let content = match choices.below(if is_last { 10 } else { 7 }) {
        0..=3 => Content::Missing,
        4 => Content::Known(choices.below(most) as usize),
        5..=6 => Content::Chunked(choices.below(most) as usize, choices.between(1, 200) as usize),
        7 => Content::Announced(choices.between(1, most) as usize, choices.chance(2)),
        8 => Content::Flawed(choices.below(FLAWS.len() as u32) as usize),
        _ => Content::Torn(choices.between(1, most) as usize),
    };
    let method = match content {
        Content::Missing => choices.pick(&["GET", "GET", "GET", "HEAD"]),
        _ => choices.pick(&["POST", "GET", "HEAD"]),
    };
    Page { path: choices.pick(&PATHS), method, content }
}

impl Page {
    /// The request, as it is sent.
    pub fn message(&self) -> Vec<u8> {
        let Page { path, method, .. } = self;
        let start = format!("{method} {path} HTTP/1.1\r\nHost: a\r\n");
        let bytes = |length: usize| REQUESTS.chars().cycle().take(length).collect::<String>();
        let message = match self.content {
            Content::Missing => format!("{start}\r\n"),
            Content::Known(length) => {
                format!("{start}Content-Length: {length}\r\n\r\n{}", bytes(length))
            }
            Content::Chunked(length, size) => {
                let head = format!("{start}Transfer-Encoding: chunked\r\n\r\n");
                return [head.into_bytes(), chunks(&bytes(length), size)].concat();
            }
            Content::Announced(length, is_sent) => {
                let body = if is_sent { bytes(length) } else { String::new() };
                format!("{start}Expect: 100-continue\r\nContent-Length: {length}\r\n\r\n{body}")
            }
            Content::Flawed(how) => {
                let (lines, before, length, after, _) = FLAWS[how];
                format!("{start}{lines}\r\n\r\n{before}{}{after}", bytes(length))
            }
            Content::Torn(length) => {
                format!("{start}Content-Length: {length}\r\n\r\n{}", bytes(length / 2))
            }
        };
        message.into_bytes()
    }

    /// Whether something is missing, for which the server waits.
    pub fn is_torn(&self) -> bool {
        matches!(self.content, Content::Torn(_))
    }

    /// What the answer will be. To a request that is torn there is one if what is sent next is
    /// taken for the rest.
    pub fn asked(&self) -> Asked {
        let most = BODY_BYTES_MAX as usize;
        let status = match self.content {
            Content::Announced(length, _) | Content::Torn(length) if length > most => 413,
            Content::Flawed(how) => FLAWS[how].4,
            _ if self.method == "POST" => 405,
            _ if self.path == NOWHERE => 404,
            _ => 200,
        };
        Asked {
            is_head: self.method == "HEAD",
            is_roster: self.path.starts_with("/roster"),
            is_polled: false,
            status,
            is_last: matches!(self.content, Content::Announced(..) | Content::Flawed(_)),
        }
    }
}

/// A chunked body: every other chunk has an extension, as long as a server takes so many, and a
/// trailer says as much as a body does.
pub fn chunks(body: &str, size: usize) -> Vec<u8> {
    let mut message = Vec::new();
    for (index, piece) in body.as_bytes().chunks(size).enumerate() {
        let extension = if index % 2 == 1 && index < 200 { ";a=\"b;\\\"\"" } else { "" };
        message.extend(format!("{:x}{extension}\r\n", piece.len()).into_bytes());
        message.extend(piece);
        message.extend(b"\r\n");
    }
    message.extend(b"0\r\nContent-Length: 5\r\n\r\n");
    message
}
