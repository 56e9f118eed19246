//! Status codes (RFC 9110 §15).

/// A status code and its reason phrase (RFC 9110 §15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Status {
    /// 200
    Ok = 200,
    /// 204
    NoContent = 204,
    /// 206
    PartialContent = 206,
    /// 301
    MovedPermanently = 301,
    /// 304
    NotModified = 304,
    /// 400
    BadRequest = 400,
    /// 403
    Forbidden = 403,
    /// 404
    NotFound = 404,
    /// 405
    MethodNotAllowed = 405,
    /// 412
    PreconditionFailed = 412,
    /// 413
    ContentTooLarge = 413,
    /// 414
    UriTooLong = 414,
    /// 416
    RangeNotSatisfiable = 416,
    /// 417
    ExpectationFailed = 417,
    /// 421
    MisdirectedRequest = 421,
    /// 426
    UpgradeRequired = 426,
    /// 429 (RFC 6585 §4)
    TooManyRequests = 429,
    /// 431 (RFC 6585 §5)
    HeaderFieldsTooLarge = 431,
    /// 501
    NotImplemented = 501,
    /// 503
    ServiceUnavailable = 503,
    /// 505
    VersionNotSupported = 505,
}

impl Status {
    /// The number on the wire.
    pub const fn code(self) -> u16 {
        self as u16
    }

    pub(super) const fn reason(self) -> &'static str {
        match self {
            Status::Ok => "OK",
            Status::NoContent => "No Content",
            Status::PartialContent => "Partial Content",
            Status::MovedPermanently => "Moved Permanently",
            Status::NotModified => "Not Modified",
            Status::BadRequest => "Bad Request",
            Status::Forbidden => "Forbidden",
            Status::NotFound => "Not Found",
            Status::MethodNotAllowed => "Method Not Allowed",
            Status::PreconditionFailed => "Precondition Failed",
            Status::ContentTooLarge => "Content Too Large",
            Status::UriTooLong => "URI Too Long",
            Status::RangeNotSatisfiable => "Range Not Satisfiable",
            Status::ExpectationFailed => "Expectation Failed",
            Status::MisdirectedRequest => "Misdirected Request",
            Status::UpgradeRequired => "Upgrade Required",
            Status::TooManyRequests => "Too Many Requests",
            Status::HeaderFieldsTooLarge => "Request Header Fields Too Large",
            Status::NotImplemented => "Not Implemented",
            Status::ServiceUnavailable => "Service Unavailable",
            Status::VersionNotSupported => "HTTP Version Not Supported",
        }
    }
}
