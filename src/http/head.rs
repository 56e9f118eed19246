//! The head of a request: from the first byte to the empty line (RFC 9112 §2–§3).
//!
//! [`HeadScanner`] finds the end of a head in bytes that arrive one by one, looking at each once;
//! [`RequestHead::decode`] then has httparse split it and checks what httparse leaves to its user.

use std::str;

use httparse::{EMPTY_HEADER, Header, Status as Parsed};

use super::error::RequestError;
use super::origin::split_port;

/// The bounds of a request head.
#[derive(Clone, Copy, Debug)]
pub struct HeadLimits {
    /// All of it, in bytes.
    pub head_bytes_max: usize,
    /// Its fields; at most 128.
    pub fields_max: usize,
    /// The request target, in bytes.
    pub target_bytes_max: usize,
}

/// The fields that there is room for, whatever the limit says.
const FIELDS_MAX: usize = 128;

/// The methods that RFC 9110 §9 and RFC 5789 define.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// HEAD
    Head,
    /// OPTIONS, the only one that may ask for `*`
    Options,
    /// CONNECT, the only one whose target is a host and port
    Connect,
    /// Another one, which nothing here allows.
    Other,
}

/// The version of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
}

/// A request head that is well-formed, unambiguous and without a body.
#[derive(Debug)]
pub struct RequestHead<'a> {
    /// What is asked.
    pub method: Method,
    /// Where it is asked, without the query: begins with `/`, is ASCII and not decoded.
    pub path: &'a str,
    /// The version.
    pub version: Version,
    /// The host and port that the request is for; empty only in HTTP/1.0.
    pub host: &'a [u8],
    fields: &'a [Header<'a>],
}

/// A field that may be given once is given more often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeated;

/// Storage for the fields of one head.
#[derive(Debug)]
pub struct FieldStorage<'a>([Header<'a>; FIELDS_MAX]);

impl Default for FieldStorage<'_> {
    fn default() -> Self {
        FieldStorage([EMPTY_HEADER; FIELDS_MAX])
    }
}

/// Looks for the end of a head in bytes that are still arriving.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeadScanner {
    /// So many bytes are empty lines before the request line.
    start: u32,
    /// So many bytes have been looked at.
    scanned: u32,
    /// So many bytes had come when they were last looked at for what is already wrong with them.
    judged: u32,
}

impl HeadScanner {
    /// The length of the head at the front of `input`, which on each call begins with the bytes of
    /// the call before; `None` if its end has not come.
    ///
    /// An early part that no head can begin with is refused without waiting for the rest. It is
    /// looked at again only when it has doubled, so the work stays linear in the bytes.
    pub fn scan(
        &mut self,
        input: &[u8],
        limits: &HeadLimits,
    ) -> Result<Option<usize>, RequestError> {
        let window = &input[..input.len().min(limits.head_bytes_max)];
        if self.scanned == self.start {
            self.start += empty_lines(&window[self.start as usize..]) as u32;
            self.scanned = self.start;
        }
        // A CR at the end is looked at when its LF is there.
        let mut at = self.scanned as usize;
        while let Some(skip) = window[at..].iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
            // RFC 9112 §2.2: a lone LF may be taken for a line's end and a lone CR must not be; to
            // take neither leaves nothing to disagree on.
            match window[at + skip..] {
                [b'\r', b'\n', ..] => at += skip + 2,
                [b'\r'] => {
                    at += skip;
                    break;
                }
                _ => return Err(RequestError::BareLineEnd),
            }
            if window[..at].ends_with(b"\r\n\r\n") {
                return Ok(Some(at));
            }
        }
        let waiting_cr = window[at..].starts_with(b"\r");
        self.scanned = if waiting_cr { at } else { window.len() } as u32;
        if input.len() >= (self.judged as usize * 2).max(1) || input.len() > window.len() {
            self.judged = input.len() as u32;
            judge_part(window, limits)?;
        }
        if input.len() > window.len() {
            return Err(RequestError::HeadTooLarge);
        }
        Ok(None)
    }
}

/// The number of bytes of empty lines that `input` begins with. RFC 9112 §2.2: a server should
/// ignore at least one of them before a request line.
fn empty_lines(input: &[u8]) -> usize {
    input.chunks_exact(2).take_while(|chunk| *chunk == b"\r\n").count() * 2
}

/// Refuses the beginning of a head if no rest can make it a good one.
fn judge_part(part: &[u8], limits: &HeadLimits) -> Result<(), RequestError> {
    let mut storage = FieldStorage::default();
    let mut request = httparse::Request::new(&mut storage.0[..limits.fields_max.min(FIELDS_MAX)]);
    request.parse(part).map_err(|error| parse_error(error, part))?;
    let target = match (request.path, request.method) {
        (Some(target), _) => target.len(),
        (None, Some(method)) => part.len() - method.len(),
        (None, None) => return Ok(()),
    };
    if target > limits.target_bytes_max { Err(RequestError::TargetTooLong) } else { Ok(()) }
}

impl<'a> RequestHead<'a> {
    /// Decodes a whole head, its empty line included.
    pub fn decode(
        head: &'a [u8],
        limits: &HeadLimits,
        storage: &'a mut FieldStorage<'a>,
    ) -> Result<RequestHead<'a>, RequestError> {
        let fields = &mut storage.0[..limits.fields_max.min(FIELDS_MAX)];
        let mut request = httparse::Request::new(fields);
        match request.parse(head) {
            Ok(Parsed::Complete(length)) if length == head.len() => {}
            Ok(_) => return Err(RequestError::Malformed),
            Err(error) => return Err(parse_error(error, head)),
        }
        let (Some(method), Some(target), Some(minor)) =
            (request.method, request.path, request.version)
        else {
            return Err(RequestError::Malformed);
        };
        let method = Method::decode(method)?;
        if target.len() > limits.target_bytes_max {
            return Err(RequestError::TargetTooLong);
        }
        let version = if minor == 0 { Version::Http10 } else { Version::Http11 };
        let mut decoded =
            RequestHead { method, path: "", version, host: b"", fields: request.headers };
        decoded.host = decoded.decode_host()?;
        let (path, authority) = split_target(method, target)?;
        decoded.path = path;
        // RFC 9112 §3.2.2: the host of an absolute target replaces the one in `Host`.
        decoded.host = authority.unwrap_or(decoded.host);
        decoded.refuse_body()?;
        Ok(decoded)
    }

    /// All values of the field `name`, in the order that they came.
    pub fn values<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a [u8]> + 's {
        let fields = self.fields.iter();
        fields.filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
    }

    /// The value of a field that may be given once.
    pub fn single(&self, name: &str) -> Result<Option<&'a [u8]>, Repeated> {
        let mut values = self.values(name);
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(Repeated),
        }
    }

    /// The elements of a comma-separated list (RFC 9110 §5.6.1), over all fields of that name.
    pub fn list<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a [u8]> + 's {
        let elements = self.values(name).flat_map(|value| value.split(|&byte| byte == b','));
        elements.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
    }

    /// Whether the list `name` has the element `token`, in whatever case.
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.list(name).any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// Whether the client wants the connection kept for another request (RFC 9112 §9.3).
    pub fn keeps_alive(&self) -> bool {
        self.version == Version::Http11 && !self.has_token("connection", "close")
    }

    /// RFC 9112 §3.2: a request of HTTP/1.1 without exactly one valid `Host` is answered 400.
    fn decode_host(&self) -> Result<&'a [u8], RequestError> {
        match self.single("host").map_err(|_| RequestError::BadHost)? {
            Some(host) if is_authority(host) => Ok(host),
            None if self.version == Version::Http10 => Ok(b""),
            _ => Err(RequestError::BadHost),
        }
    }

    /// What is left of RFC 9112 §6 where no request has a body.
    fn refuse_body(&self) -> Result<(), RequestError> {
        if self.values("transfer-encoding").next().is_some() {
            return Err(RequestError::TransferEncoding);
        }
        match self.single("content-length").map_err(|_| RequestError::BadLength)? {
            Some(b"") => return Err(RequestError::BadLength),
            Some(length) if !length.iter().all(u8::is_ascii_digit) => {
                return Err(RequestError::BadLength);
            }
            Some(length) if length.iter().any(|&digit| digit != b'0') => {
                return Err(RequestError::Body);
            }
            Some(_) | None => {}
        }
        // RFC 9110 §10.1.1: 100-continue without a body asks for nothing.
        if self.list("expect").any(|value| !value.eq_ignore_ascii_case(b"100-continue")) {
            return Err(RequestError::Expectation);
        }
        Ok(())
    }
}

impl Method {
    fn decode(method: &str) -> Result<Method, RequestError> {
        Ok(match method {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "OPTIONS" => Method::Options,
            "CONNECT" => Method::Connect,
            "POST" | "PUT" | "DELETE" | "TRACE" | "PATCH" => Method::Other,
            _ => return Err(RequestError::UnknownMethod),
        })
    }
}

/// The path of a target and, if it is in absolute form, its authority (RFC 9112 §3.2).
fn split_target(method: Method, target: &str) -> Result<(&str, Option<&[u8]>), RequestError> {
    // RFC 3986: a target is made of visible ASCII, and its fragment is not sent.
    if !target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        return Err(RequestError::BadTarget);
    }
    match method {
        Method::Connect if is_authority(target.as_bytes()) => return Ok(("", None)),
        Method::Options if target == "*" => return Ok((target, None)),
        _ => {}
    }
    if target.starts_with('/') {
        return Ok((before_query(target), None));
    }
    let (scheme, rest) = target.split_once("://").ok_or(RequestError::BadTarget)?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(RequestError::BadTarget);
    }
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if !is_authority(authority.as_bytes()) {
        return Err(RequestError::BadHost);
    }
    let path = before_query(path);
    Ok((if path.is_empty() { "/" } else { path }, Some(authority.as_bytes())))
}

fn before_query(path: &str) -> &str {
    path.split_once('?').map_or(path, |(path, _)| path)
}

/// The name in a host with or without a port.
pub fn host_name(host: &[u8]) -> &[u8] {
    split_port(host).0
}

/// Whether `host` is `uri-host [ ":" port ]` (RFC 9110 §7.2), without user information.
fn is_authority(host: &[u8]) -> bool {
    let (name, port) = split_port(host);
    let port_is_number = port.is_none_or(|port| {
        port.iter().all(u8::is_ascii_digit)
            && (port.is_empty()
                || str::from_utf8(port).is_ok_and(|port| port.parse::<u16>().is_ok()))
    });
    let name_is_valid = match name {
        [b'[', address @ .., b']'] => {
            address.iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
                && !address.is_empty()
        }
        _ => {
            let is_allowed =
                |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=".contains(byte);
            !name.is_empty() && name.iter().all(is_allowed)
        }
    };
    port_is_number && name_is_valid
}

fn parse_error(error: httparse::Error, part: &[u8]) -> RequestError {
    match error {
        httparse::Error::TooManyHeaders => RequestError::HeadTooLarge,
        httparse::Error::Version if names_a_version(part) => RequestError::Version,
        _ => RequestError::Malformed,
    }
}

/// Whether the request line ends in an HTTP-version (RFC 9112 §2.3), of whatever number.
fn names_a_version(part: &[u8]) -> bool {
    let line = part.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let name = line.rsplit(|&byte| byte == b' ').next().unwrap_or_default();
    matches!(name, [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
        if major.is_ascii_digit() && minor.is_ascii_digit())
}
