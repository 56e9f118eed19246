//! Why a request is refused, in a word and in a sentence.

use std::fmt;

use crate::names::NameError;
use crate::presence::DataError;

/// Why a request is refused. The connection stays open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiError {
    /// The message is no JSON array that starts with a string, or has the wrong arguments.
    MessageInvalid,
    /// No such view, or none for what the client speaks.
    ViewUnknown,
    /// No such status.
    StatusUnknown,
    /// No such event.
    EventUnknown,
    /// The id of a client is none.
    ClientInvalid,
    /// Another connection has that id.
    ClientInUse,
    /// What is said of a copy can't be.
    AtInvalid,
    /// A client that offered the subprotocol says something else first.
    HelloMissing,
    /// It was said already, or is not for this connection.
    HelloUnexpected,
    /// The name is none.
    Name(NameError),
    /// There is no name yet that something could be said of.
    NameMissing,
    /// Too many changes of name in a minute.
    RateLimited,
    /// Too many updates in a second.
    UpdatesTooFast,
    /// The name of the room is none.
    Room(NameError),
    /// This connection is in that room already, under another spelling.
    RoomTwice,
    /// This connection is not in that room.
    RoomNotEntered,
    /// There may be no such room.
    RoomForbidden,
    /// As many are in the room as may be.
    RoomFull,
    /// This connection is in as many rooms as it may be, or there are as many as may be.
    TooManyRooms,
    /// The presence data are refused.
    Data(DataError),
}

impl ApiError {
    /// The name of the error on the wire, which does not change.
    pub const fn code(self) -> &'static str {
        match self {
            ApiError::MessageInvalid | ApiError::ViewUnknown | ApiError::StatusUnknown => {
                "message_invalid"
            }
            ApiError::EventUnknown => "event_unknown",
            ApiError::ClientInvalid => "client_invalid",
            ApiError::ClientInUse => "client_in_use",
            ApiError::AtInvalid => "at_invalid",
            ApiError::HelloMissing => "hello_missing",
            ApiError::HelloUnexpected => "hello_unexpected",
            ApiError::Name(NameError::Empty) => "name_empty",
            ApiError::Name(NameError::TooLong) => "name_too_long",
            ApiError::Name(NameError::Invalid(_)) => "name_invalid",
            ApiError::NameMissing => "name_missing",
            ApiError::RateLimited | ApiError::UpdatesTooFast => "rate_limited",
            ApiError::Room(_) | ApiError::RoomTwice => "room_invalid",
            ApiError::RoomNotEntered => "room_not_entered",
            ApiError::RoomForbidden => "room_forbidden",
            ApiError::RoomFull => "room_full",
            ApiError::TooManyRooms => "rooms_too_many",
            ApiError::Data(DataError::Invalid) => "data_invalid",
            ApiError::Data(DataError::TooLarge) => "data_too_large",
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ApiError::MessageInvalid => {
                "A message is a JSON array: [\"login\", name], [\"logout\"], [\"ping\"], or one of \
                 [\"hello\"], [\"set\"], [\"enter\"], [\"exit\"] and [\"view\"] with an object of \
                 options."
            }
            ApiError::ViewUnknown => {
                "The views are \"changes\", \"count\" and \"none\"; in Socket.IO \"names\", \
                 \"presence\", \"count\" and \"none\"."
            }
            ApiError::StatusUnknown => "A status is \"active\", \"idle\" or \"hidden\".",
            ApiError::EventUnknown => {
                "The events are \"hello\", \"login\", \"logout\", \"set\", \"enter\", \"exit\", \
                 \"view\" and \"ping\"."
            }
            ApiError::ClientInvalid => "The id of a client is 32 hexadecimal digits in lower case.",
            ApiError::ClientInUse => {
                "Another connection has this id. Please say hello again with another one."
            }
            ApiError::AtInvalid => {
                "A copy is [epoch, seq, digest], as in the last roster or change, or null."
            }
            ApiError::HelloMissing => "Please say hello first: [\"hello\", {}].",
            ApiError::HelloUnexpected => {
                "A client says hello once, and only if it offers the subprotocol."
            }
            ApiError::Name(error) => return error.fmt(f),
            ApiError::NameMissing => "Please log in to this room first.",
            ApiError::RateLimited => "Too many changes of name. Please wait a minute.",
            ApiError::UpdatesTooFast => "Too many updates. Please wait a second.",
            ApiError::Room(error) => return write!(f, "This can't be the name of a room. {error}"),
            ApiError::RoomTwice => {
                "This connection is in that room already, under another spelling of its name."
            }
            ApiError::RoomNotEntered => "This connection is not in that room. Enter it first.",
            ApiError::RoomForbidden => "There is no such room here.",
            ApiError::RoomFull => "This room is full. Please try again later.",
            ApiError::TooManyRooms => {
                "There are too many rooms on this connection or on the server. Please leave one."
            }
            ApiError::Data(DataError::Invalid) => {
                "Presence data are a JSON object in which no key is there twice or is __proto__."
            }
            ApiError::Data(DataError::TooLarge) => {
                "These presence data are too large: too many keys, too long, or nested too deep."
            }
        })
    }
}

impl std::error::Error for ApiError {}
