//! HTTP/1.1 (RFC 9110, RFC 9112), from the side of a server.
//!
//! Bytes → [`RequestHead`], then [`Decoded`] data of its body, or [`RequestError`]; status, fields
//! and body → bytes. Knows no socket and no time, and writes nothing itself.
//!
//! A request that two readers of HTTP could understand differently is refused, and its connection
//! is closed. So there is no pattern of request smuggling to look for: none can begin.

mod allowed_origin;
mod body;
mod chunked;
mod error;
mod forwarded;
mod head;
mod host;
mod limits;
mod origin;
mod path;
mod range;
mod request_line;
mod response;
mod scanner;
mod sharing;
mod status;
mod token;

pub use allowed_origin::{AllowedOrigin, OriginError};
pub use body::{BodyDecoder, BodyLength, Decoded};
pub use error::RequestError;
pub use forwarded::{Forwarded, InvalidNetwork, Network, TrustedProxies};
pub use head::{FieldStorage, Method, RequestHead, host_name};
pub use host::{HostPattern, InvalidHost};
pub use limits::HeadLimits;
pub use origin::is_own_origin;
pub use path::{encode_segment, unescape};
pub use range::{Part, part};
pub use request_line::Version;
pub use response::ResponseHead;
pub use scanner::HeadScanner;
pub use sharing::Sharing;
pub use status::Status;
pub use token::is_token;
