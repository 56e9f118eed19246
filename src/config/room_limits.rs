//! The bounds of names of rooms.

use clap::{Args, value_parser};
use serde::Serialize;

/// As the other limits of rooms.
const ROOMS: &str = "Rooms";

/// The bounds of names of rooms.
#[derive(Args, Clone, Debug, Serialize)]
pub struct RoomNameLimits {
    /// Room name length, in characters as readers count them
    #[arg(long, value_name = "N", help_heading = ROOMS, default_value_t = 64)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub room_chars_max: u32,

    /// Room name length, in bytes of UTF-8
    #[arg(long, value_name = "BYTES", help_heading = ROOMS, default_value_t = 256)]
    #[arg(value_parser = value_parser!(u32).range(1..=4096))]
    pub room_bytes_max: u32,
}
