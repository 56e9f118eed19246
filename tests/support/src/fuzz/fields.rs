//! What is read of the values of fields, beside what an operator has set: two lines of text, each
//! of which is taken for all that it could be.

use std::net::{IpAddr, Ipv4Addr};

use headcount::http::{
    AllowedOrigin, FieldStorage, Forwarded, HeadLimits, HostPattern, Network, Part, RequestError,
    RequestHead, ResponseHead, Sharing, Status, TrustedProxies, encode_segment, host_name,
    is_own_origin, part,
};

const LIMITS: HeadLimits =
    HeadLimits { head_bytes_max: 1 << 20, fields_max: 64, target_bytes_max: 1 << 20 };

const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

/// The proxy that a request came from.
const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The target: a line that an operator wrote, and a line that a client did.
pub fn fields(input: &[u8]) {
    let end = memchr::memchr(b'\n', input).unwrap_or(input.len());
    let (setting, value) = (&input[..end], input.get(end + 1..).unwrap_or_default());
    check_own_origin(value, setting);
    check_range(value);
    if let Ok(name) = str::from_utf8(value) {
        check_segment(name);
    }
    let Ok(setting) = str::from_utf8(setting) else { return };
    check_host(setting, value);
    let origin = check_allowed_origin(setting, value);
    with_fields(value, |head| {
        check_forwarded(setting, head);
        [Sharing::Nobody, Sharing::Anybody, Sharing::Some(origin.map(Box::from))]
            .iter()
            .for_each(|sharing| check_sharing(sharing, head));
    });
}

/// Calls `check` with a request in which all fields have this value, if they can.
fn with_fields(value: &[u8], check: impl FnOnce(&RequestHead<'_>)) {
    let mut bytes = b"OPTIONS / HTTP/1.1\r\nHost: a\r\n".to_vec();
    for name in
        ["X-Forwarded-For", "Access-Control-Request-Method", "Access-Control-Request-Headers"]
    {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    let mut storage = FieldStorage::default();
    if let Ok(head) = RequestHead::decode(&bytes, &LIMITS, &mut storage) {
        check(&head);
    }
}

/// A page's own origin has the name in it that the request was for.
fn check_own_origin(origin: &[u8], host: &[u8]) {
    if is_own_origin(origin, host) {
        let name = host_name(host).to_ascii_lowercase();
        let shown = origin.escape_ascii();
        let slashes = memchr::memmem::find(origin, b"//").expect("an origin has a scheme");
        assert!(origin[slashes + 2..].to_ascii_lowercase().starts_with(&name), "{shown}");
    }
}

/// A part is inside the whole, and is not empty; asked for by its own numbers it is the same.
fn check_range(value: &[u8]) {
    for bytes in [0, 1, 100, usize::MAX] {
        let found = part(value, bytes);
        if let Part::Bytes(range) = &found {
            assert!(range.start < range.end && range.end <= bytes, "{range:?}");
            let again = format!("bytes={}-{}", range.start, range.end - 1);
            assert_eq!(part(again.as_bytes(), bytes), found);
        }
    }
}

/// A name comes back from the path that leads to it, if a path can have it.
fn check_segment(name: &str) {
    let segment = encode_segment(name);
    assert!(segment.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':'), "{segment}");
    let bytes = format!("GET /{segment} HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut storage = FieldStorage::default();
    match RequestHead::decode(bytes.as_bytes(), &LIMITS, &mut storage) {
        Ok(head) => assert_eq!(head.path.strip_prefix('/'), Some(name)),
        Err(error) => assert!(name.contains(['/', '\0']), "{error}: {segment}"),
    }
}

/// A host that is let in ends in what the operator wrote.
fn check_host(setting: &str, host: &[u8]) {
    let pattern: HostPattern = match setting.parse() {
        Ok(pattern) => pattern,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let name = host_name(host).to_ascii_lowercase();
    let name = name.strip_suffix(b".").unwrap_or(&name);
    let is_below = |parent: &String| {
        name.strip_suffix(parent.as_bytes()).is_some_and(|it| it.len() > 1 && it.ends_with(b"."))
    };
    let expected = match &pattern {
        HostPattern::Any => true,
        HostPattern::Name(known) => name == known.as_bytes(),
        HostPattern::Below(parent) => is_below(parent),
        HostPattern::Domain(known) => name == known.as_bytes() || is_below(known),
        HostPattern::Address(known) => str::from_utf8(name).is_ok_and(|name| {
            let inner = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            inner.and_then(|inner| inner.parse().ok()) == Some(*known)
        }),
    };
    assert_eq!(pattern.matches(host), expected, "{pattern:?} {}", host.escape_ascii());
}

/// The origin, if the operator lets it in: one that could be let in by its own name.
fn check_allowed_origin<'a>(setting: &str, origin: &'a [u8]) -> Option<&'a str> {
    let allowed: AllowedOrigin = match setting.parse() {
        Ok(allowed) => allowed,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return None;
        }
    };
    if !allowed.matches(origin) {
        return None;
    }
    let text = str::from_utf8(origin).expect("an origin is ASCII");
    let lower = text.to_ascii_lowercase();
    match lower.parse::<AllowedOrigin>() {
        Ok(own) => assert!(own.matches(lower.as_bytes()), "{text}"),
        Err(error) => assert!(text.len() > 253, "{error}: {text}"),
    }
    Some(text)
}

/// A client is none of the proxies that are trusted, and who let nonsense through is one.
fn check_forwarded(setting: &str, head: &RequestHead<'_>) {
    let mut networks = vec!["127.0.0.1".parse().expect("it is one")];
    for text in setting.split(' ') {
        match text.parse::<Network>() {
            Ok(network) => networks.push(network),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    let has_everyone = networks.iter().any(Network::has_everyone);
    let proxies = TrustedProxies::new(networks);
    let somebody: [IpAddr; 2] = [[9; 4].into(), [9; 8].into()];
    assert!(!has_everyone || somebody.into_iter().any(|address| proxies.contains(address)));
    match proxies.forwarded(PROXY, head) {
        Forwarded::Proxy => {}
        Forwarded::Client(address) => assert!(!proxies.contains(address), "{address}"),
        Forwarded::Malformed { by } => assert!(proxies.contains(by), "{by}"),
    }
}

/// Whatever is repeated of a request, the response has one head.
fn check_sharing(sharing: &Sharing, head: &RequestHead<'_>) {
    let response = ResponseHead::new(Status::NoContent, DATE);
    check_response(sharing.add_preflight_to(response, head, "GET"));
}

/// A refusal is a response that says why.
pub fn check_refusal(error: RequestError) {
    let response = ResponseHead::new(error.status(), DATE).field("X-Error", &error.to_string());
    check_response(response.content_type("text/plain"));
}

/// A head ends once, each of its lines ends in CRLF, and it is ASCII.
fn check_response(head: ResponseHead) {
    let bytes = head.finish();
    let ends = memchr::memmem::find_iter(&bytes, b"\r\n\r\n").count();
    assert_eq!((ends, bytes.ends_with(b"\r\n\r\n")), (1, true), "{}", bytes.escape_ascii());
    assert!(bytes.is_ascii(), "{}", bytes.escape_ascii());
    assert!(memchr::memchr_iter(b'\n', &bytes).all(|at| bytes[at - 1] == b'\r'));
}
