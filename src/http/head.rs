//! A whole request head (RFC 9112 §3–§6): httparse splits the fields, and what httparse leaves to
//! its user is checked here.

use std::borrow::Cow;
use std::net::Ipv6Addr;
use std::str;

use httparse::{EMPTY_HEADER, Header, Status as Parsed};

use super::body::BodyLength;
use super::error::RequestError;
use super::limits::HeadLimits;
use super::origin::split_port;
use super::path;
use super::request_line::{RequestLine, Version};
use super::token::is_token;

/// The fields that there is room for, whatever the limit says.
const FIELDS_MAX: usize = 128;

/// The methods that RFC 9110 §9 and RFC 5789 define.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// HEAD
    Head,
    /// POST, the only one whose content means something here
    Post,
    /// OPTIONS, the only one that may ask for `*`
    Options,
    /// CONNECT, the only one whose target is a host and port
    Connect,
    /// Another one, which nothing here allows.
    Other,
}

/// A request head that is well-formed and unambiguous.
#[derive(Debug)]
pub struct RequestHead<'a> {
    /// What is asked.
    pub method: Method,
    /// Where it is asked, without the query: begins with `/` and is decoded, so that what is the
    /// same path is equal. Empty for CONNECT, and `*` for an OPTIONS of the whole server.
    pub path: Cow<'a, str>,
    /// What follows the path after `?`, not decoded; empty if there is nothing.
    pub query: &'a str,
    /// The version.
    pub version: Version,
    /// The host and port that the request is for; empty only in HTTP/1.0.
    pub host: &'a [u8],
    /// How long the body is that follows.
    pub body: BodyLength,
    /// Whether the client awaits a 100 (Continue) or a final status before it sends the body.
    pub expects_continue: bool,
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

impl<'a> RequestHead<'a> {
    /// Decodes a whole head, its empty line included.
    pub fn decode(
        head: &'a [u8],
        limits: &HeadLimits,
        storage: &'a mut FieldStorage<'a>,
    ) -> Result<RequestHead<'a>, RequestError> {
        let (RequestLine { method, target, version }, lines) = RequestLine::split_off(head)?;
        let fields = &mut storage.0[..limits.fields_max.min(FIELDS_MAX)];
        let fields = match httparse::parse_headers(lines, fields) {
            Ok(Parsed::Complete((length, fields))) if length == lines.len() => fields,
            Err(httparse::Error::TooManyHeaders) => return Err(RequestError::HeadTooLarge),
            Ok(_) | Err(_) => return Err(RequestError::Malformed),
        };
        let method = Method::decode(method)?;
        if target.len() > limits.target_bytes_max {
            return Err(RequestError::TargetTooLong);
        }
        let mut decoded = RequestHead {
            method,
            path: Cow::Borrowed(""),
            query: "",
            version,
            host: b"",
            body: BodyLength::Known(0),
            expects_continue: false,
            fields,
        };
        decoded.host = decoded.decode_host()?;
        let (resource, authority) = split_target(method, target)?;
        let (path, query) = resource.split_once('?').unwrap_or((resource, ""));
        let path = if authority.is_some() && path.is_empty() { "/" } else { path };
        decoded.path = path::decode(path).ok_or(RequestError::BadTarget)?;
        decoded.query = query;
        // RFC 9112 §3.2.2: the host of an absolute target replaces the one in `Host`.
        decoded.host = authority.unwrap_or(decoded.host);
        let (codings, lengths) = ("transfer-encoding", "content-length");
        decoded.body =
            BodyLength::decode(version, decoded.values(codings), decoded.values(lengths))?;
        decoded.expects_continue = decoded.decode_expectations()?;
        Ok(decoded)
    }

    /// All values of the field `name`, in the order that they came.
    pub fn values<'s>(&'s self, name: &'s str) -> impl DoubleEndedIterator<Item = &'a [u8]> + 's {
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

    /// RFC 9110 §10.1.1: there is one expectation, any other is answered 417. It asks for nothing
    /// without a body, and in HTTP/1.0, which has no 1xx.
    fn decode_expectations(&self) -> Result<bool, RequestError> {
        let mut is_there = false;
        for expectation in self.list("expect") {
            if !expectation.eq_ignore_ascii_case(b"100-continue") {
                return Err(RequestError::Expectation);
            }
            is_there = true;
        }
        Ok(is_there && !self.body.is_zero() && self.version == Version::Http11)
    }
}

impl Method {
    fn decode(method: &[u8]) -> Result<Method, RequestError> {
        Ok(match method {
            b"GET" => Method::Get,
            b"HEAD" => Method::Head,
            b"OPTIONS" => Method::Options,
            b"CONNECT" => Method::Connect,
            b"POST" => Method::Post,
            b"PUT" | b"DELETE" | b"TRACE" | b"PATCH" => Method::Other,
            _ if !is_token(method) => return Err(RequestError::Malformed),
            _ => return Err(RequestError::UnknownMethod),
        })
    }
}

/// The path and query of a target and, if it is in absolute form, its authority (RFC 9112 §3.2).
fn split_target(method: Method, target: &[u8]) -> Result<(&str, Option<&[u8]>), RequestError> {
    // RFC 3986: a target is made of visible ASCII, and its fragment is not sent.
    let is_good = target.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#');
    let target = str::from_utf8(target).ok().filter(|_| is_good).ok_or(RequestError::BadTarget)?;
    match method {
        Method::Connect if is_authority(target.as_bytes()) => return Ok(("", None)),
        Method::Options if target == "*" => return Ok((target, None)),
        _ => {}
    }
    if target.starts_with('/') {
        return Ok((target, None));
    }
    let (scheme, rest) = target.split_once("://").ok_or(RequestError::BadTarget)?;
    // RFC 9110 §7.4: a request for an https resource must be rejected unless it came over TLS, or
    // from a gateway that is trusted, and none is known here. §15.5.20: that is what 421 is for.
    if scheme.eq_ignore_ascii_case("https") {
        return Err(RequestError::WrongScheme);
    }
    if !scheme.eq_ignore_ascii_case("http") {
        return Err(RequestError::BadTarget);
    }
    let (authority, resource) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if !is_authority(authority.as_bytes()) {
        return Err(RequestError::BadHost);
    }
    Ok((resource, Some(authority.as_bytes())))
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
    port_is_number
        && match name {
            [b'[', address @ .., b']'] => {
                str::from_utf8(address).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
            }
            _ => !name.is_empty() && is_registered_name(name),
        }
}

/// RFC 3986 §3.2.2: unreserved characters, sub-delimiters and percent-encoded bytes.
fn is_registered_name(name: &[u8]) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+;=".contains(&byte);
    let mut parts = name.split(|&byte| byte == b'%');
    let first = parts.next().unwrap_or_default();
    let is_encoded = |part: &[u8]| match part {
        [high, low, rest @ ..] => {
            high.is_ascii_hexdigit()
                && low.is_ascii_hexdigit()
                && rest.iter().copied().all(is_plain)
        }
        _ => false,
    };
    first.iter().copied().all(is_plain) && parts.all(is_encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_is_decoded_whole_or_not_at_all() {
        let limits = HeadLimits { head_bytes_max: 100, fields_max: 2, target_bytes_max: 10 };
        let decode = |head: &str| {
            let mut storage = FieldStorage::default();
            RequestHead::decode(head.as_bytes(), &limits, &mut storage).map(|head| head.method)
        };
        assert_eq!(decode("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), Ok(Method::Get));
        for head in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nrest",
            "GET / HTTP/1.1\r\nHost: a\r\n",
            "G@T / HTTP/1.1\r\nHost: a\r\n\r\n",
        ] {
            assert_eq!(decode(head), Err(RequestError::Malformed), "{head:?}");
        }
        let unknown = decode("GOT / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(unknown, Err(RequestError::UnknownMethod));
    }
}
