//! What a client does that ends its session.

use std::fmt;

use crate::ws::CloseCode;

/// A text that is no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketError {
    /// No packet begins like this, or none that a client sends.
    UnknownType,
    /// What a binary packet begins with is not the number of its attachments.
    BadAttachments,
    /// There are more attachments than there may be.
    TooManyAttachments,
    /// The name of the namespace is longer than it may be.
    NamespaceTooLong,
    /// The number for the acknowledgement is none.
    BadAckId,
    /// The payload is not the JSON that its type of packet has.
    BadPayload,
    /// Its arrays and objects are nested deeper than they may be.
    TooDeep,
    /// What should be bytes in base64 is none.
    BadBase64,
    /// A packet is not as long as is said before it.
    BadLength,
    /// It is not UTF-8.
    BadText,
}

/// Why a session is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientError {
    /// Something that is no packet.
    Packet(PacketError),
    /// A packet for a namespace that the client is not connected to.
    NotConnected,
    /// A second CONNECT for a namespace.
    ConnectedTwice,
    /// A packet that only a server sends.
    ServersOnly,
    /// Another packet where attachments were due.
    AttachmentDue,
    /// Bytes that no packet announced.
    AttachmentUnasked,
    /// A request for what is to be said while another one waits for that.
    PolledTwice,
    /// A request with packets while another one is on its way.
    PostedTwice,
    /// A WebSocket for a session that has one, or may have one soon.
    UpgradedTwice,
}

impl ClientError {
    /// What the connection is closed with.
    pub const fn close_code(self) -> CloseCode {
        match self {
            ClientError::Packet(
                PacketError::TooManyAttachments
                | PacketError::NamespaceTooLong
                | PacketError::TooDeep,
            ) => CloseCode::POLICY_VIOLATION,
            ClientError::Packet(
                PacketError::UnknownType
                | PacketError::BadAttachments
                | PacketError::BadAckId
                | PacketError::BadPayload
                | PacketError::BadBase64
                | PacketError::BadLength
                | PacketError::BadText,
            ) => CloseCode::INVALID_PAYLOAD,
            ClientError::NotConnected
            | ClientError::ConnectedTwice
            | ClientError::ServersOnly
            | ClientError::AttachmentDue
            | ClientError::AttachmentUnasked
            | ClientError::PolledTwice
            | ClientError::PostedTwice
            | ClientError::UpgradedTwice => CloseCode::PROTOCOL_ERROR,
        }
    }
}

impl From<PacketError> for ClientError {
    fn from(error: PacketError) -> ClientError {
        ClientError::Packet(error)
    }
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PacketError::UnknownType => "unknown type of packet",
            PacketError::BadAttachments => "bad number of attachments",
            PacketError::TooManyAttachments => "too many attachments",
            PacketError::NamespaceTooLong => "name of a namespace is too long",
            PacketError::BadAckId => "bad number for an acknowledgement",
            PacketError::BadPayload => "invalid payload",
            PacketError::TooDeep => "payload is nested too deeply",
            PacketError::BadBase64 => "bad base64",
            PacketError::BadLength => "bad length of a packet",
            PacketError::BadText => "not UTF-8",
        })
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ClientError::Packet(error) => return error.fmt(f),
            ClientError::NotConnected => "packet for a namespace that is not connected",
            ClientError::ConnectedTwice => "second CONNECT for a namespace",
            ClientError::ServersOnly => "packet that only a server sends",
            ClientError::AttachmentDue => "packet in the place of an attachment",
            ClientError::AttachmentUnasked => "bytes that no packet announced",
            ClientError::PolledTwice => "second request that waits",
            ClientError::PostedTwice => "second request with packets",
            ClientError::UpgradedTwice => "second WebSocket of a session",
        })
    }
}

impl std::error::Error for PacketError {}

impl std::error::Error for ClientError {}
