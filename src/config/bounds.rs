//! The limits as each part of the server takes them.

use clap::Parser;

use crate::names::NameLimits;
use crate::rate::Rate;
use crate::ws::MessageLimits;
use crate::ws::frame::HEADER_BYTES_MAX;

use super::limits::Limits;

impl Default for Limits {
    /// What a command line without flags gives: the defaults are written down only there.
    fn default() -> Limits {
        #[derive(Parser)]
        struct NoFlags {
            #[command(flatten)]
            limits: Limits,
        }
        NoFlags::parse_from([""]).limits
    }
}

impl Limits {
    /// The bounds of a message from a client.
    pub fn messages(&self) -> MessageLimits {
        MessageLimits {
            frame_bytes_max: u64::from(self.frame_bytes_max),
            message_bytes_max: u64::from(self.message_bytes_max),
            fragments_max: self.fragments_max,
        }
    }

    /// How often a connection may send a message.
    pub fn message_rate(&self) -> Rate {
        Rate::per_second(self.messages_per_second, self.messages_burst)
    }

    /// How often a connection may send a control frame.
    pub fn control_rate(&self) -> Rate {
        Rate::per_second(self.control_frames_per_second, self.control_frames_burst)
    }

    /// How many bytes a connection may send. The largest message that is allowed always fits.
    pub fn byte_rate(&self) -> Rate {
        let headers = self.fragments_max.saturating_mul(HEADER_BYTES_MAX as u32);
        let burst = self.bytes_per_second.saturating_add(self.message_bytes_max);
        let burst = burst.saturating_add(headers);
        Rate::per_second(self.bytes_per_second, burst)
    }

    /// How often a connection may change its name.
    pub fn name_rate(&self) -> Rate {
        Rate::per_minute(self.name_changes_per_minute)
    }

    /// How often a connection may log in for the first time in one more room.
    pub fn entry_rate(&self) -> Rate {
        Rate::per_minute(self.rooms_per_connection_max)
    }

    /// How often a connection may update what it says of itself, or what it is told.
    pub fn update_rate(&self) -> Rate {
        Rate::per_second(self.updates_per_second, self.updates_burst)
    }

    /// The bounds of presence data.
    pub fn data(&self) -> DataLimits {
        DataLimits {
            keys_max: self.data_keys_max as usize,
            bytes_max: self.data_bytes_max as usize,
        }
    }

    /// The bounds of a name.
    pub fn names(&self) -> NameLimits {
        NameLimits {
            chars_max: self.name_chars_max as usize,
            bytes_max: self.name_bytes_max as usize,
        }
    }

    /// The bounds of the name of a room.
    pub fn room_names(&self) -> NameLimits {
        NameLimits {
            chars_max: self.room_name.room_chars_max as usize,
            bytes_max: self.room_name.room_bytes_max as usize,
        }
    }

    /// How often an address may connect.
    pub fn address_rate(&self) -> Rate {
        Rate::per_second(self.accepts_per_address_per_second, self.accepts_per_address_burst)
    }
}

/// The bounds of presence data, of a member and of an entry.
#[derive(Clone, Copy, Debug)]
pub struct DataLimits {
    /// Keys.
    pub keys_max: usize,
    /// Length as canonical JSON, in bytes.
    pub bytes_max: usize,
}

/// The limits of `/echo`, which conformance suites and benchmarks talk to.
pub const ECHO: MessageLimits = MessageLimits {
    frame_bytes_max: 64 << 20,
    message_bytes_max: 64 << 20,
    fragments_max: 131_072,
};
