//! Why a request is refused before anybody looks at what it asks for.

use std::fmt;

use super::status::Status;

/// A request that is answered with [`RequestError::status`] and the end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// The head is not HTTP.
    Malformed,
    /// A CR or LF that is not part of a CRLF (RFC 9112 §2.2).
    BareLineEnd,
    /// No `Host`, two of them, or one that is none (RFC 9112 §3.2).
    BadHost,
    /// The target is in no form that this method has (RFC 9112 §3.2).
    BadTarget,
    /// `Content-Length` that is not one number (RFC 9112 §6.3).
    BadLength,
    /// `Transfer-Encoding` that does not say where the body ends, or not alone (RFC 9112 §6.3).
    BadCoding,
    /// A transfer coding that is not `chunked` (RFC 9112 §6.1).
    UnknownCoding,
    /// A chunk or a trailer that does not follow the grammar (RFC 9112 §7.1).
    BadChunk,
    /// More chunk extensions and trailers than anybody needs (RFC 9112 §7.1.1).
    ExtrasTooLong,
    /// The body is over its limit.
    BodyTooLarge,
    /// An expectation that is not `100-continue` (RFC 9110 §10.1.1).
    Expectation,
    /// The target is over its limit.
    TargetTooLong,
    /// The head is over its limit, in bytes or in fields.
    HeadTooLarge,
    /// A version of HTTP that is not 1, with whatever minor version.
    Version,
    /// A method that RFC 9110 does not define.
    UnknownMethod,
    /// `Host` is a name that this server was not told it has (RFC 9110 §7.4).
    WrongHost,
    /// The client that a trusted proxy names has too many connections, or opens them too fast.
    TooManyFromAddress,
    /// The target is of `https`, and the connection is without TLS (RFC 9110 §7.4).
    WrongScheme,
}

impl RequestError {
    /// The status of the response.
    pub const fn status(self) -> Status {
        match self {
            RequestError::BodyTooLarge => Status::ContentTooLarge,
            RequestError::Expectation => Status::ExpectationFailed,
            RequestError::TargetTooLong => Status::UriTooLong,
            RequestError::HeadTooLarge => Status::HeaderFieldsTooLarge,
            RequestError::TooManyFromAddress => Status::TooManyRequests,
            RequestError::Version => Status::VersionNotSupported,
            RequestError::UnknownMethod | RequestError::UnknownCoding => Status::NotImplemented,
            RequestError::WrongHost | RequestError::WrongScheme => Status::MisdirectedRequest,
            RequestError::Malformed
            | RequestError::BareLineEnd
            | RequestError::BadHost
            | RequestError::BadTarget
            | RequestError::BadLength
            | RequestError::BadCoding
            | RequestError::BadChunk
            | RequestError::ExtrasTooLong => Status::BadRequest,
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RequestError::Malformed => "this is not an HTTP/1.1 request",
            RequestError::BareLineEnd => "lines must end in CRLF",
            RequestError::BadHost => "one valid Host is needed",
            RequestError::BadTarget => "the request target is invalid",
            RequestError::BadLength => "Content-Length is invalid",
            RequestError::BadCoding => "Transfer-Encoding is invalid",
            RequestError::UnknownCoding => "the transfer coding is not implemented",
            RequestError::BadChunk => "the chunks of the request body are malformed",
            RequestError::ExtrasTooLong => "chunk extensions and trailers are too long",
            RequestError::BodyTooLarge => "the request body is too large",
            RequestError::Expectation => "the expectation cannot be met",
            RequestError::TargetTooLong => "the request target is too long",
            RequestError::HeadTooLarge => "the request head is too large",
            RequestError::Version => "only HTTP/1.1 and HTTP/1.0 are spoken here",
            RequestError::UnknownMethod => "the method is not implemented",
            RequestError::WrongHost => "this server does not serve that host",
            RequestError::TooManyFromAddress => {
                "this address has too many connections, or opens them too fast"
            }
            RequestError::WrongScheme => "https is not served on this connection",
        })
    }
}

impl std::error::Error for RequestError {}
