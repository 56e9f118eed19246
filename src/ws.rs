//! RFC 6455 and RFC 7692 and nothing else: bytes ↔ WebSocket, for a server.
//!
//! Knows no roster, no connection, no time and no socket: a library of its own in all but name.
//! Everything here returns values; the caller decides what to send, and when. The same bytes give
//! the same events and errors, however they are cut.
//!
//! - [`handshake`]: a request head → the 101 response, or why not (§4.2)
//! - [`frame`]: one header, decoded and encoded (§5.2)
//! - [`decoder`]: bytes → messages and control frames (§5.4, §5.5, §6.2)
//! - [`close`]: status codes (§7.4)
//! - [`extension`], [`deflate`]: permessage-deflate, agreed on and computed (RFC 7692)

pub mod close;
mod close_code;
pub mod decoder;
pub mod deflate;
mod error;
mod event;
pub mod extension;
pub mod frame;
pub mod handshake;
pub mod mask;
mod partial;
mod text;

pub use close_code::CloseCode;
pub use decoder::{Decoder, Inflation, MessageLimits};
pub use deflate::{Codec, Deflater, Inflater, TakeoverDeflater};
pub use error::ProtocolError;
pub use event::Event;
pub use extension::DeflateParameters;
pub use frame::Opcode;
pub use handshake::HandshakeError;
