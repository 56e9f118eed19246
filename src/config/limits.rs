//! Every bound of the server, named with its unit.

use clap::{Args, value_parser};

use super::{NodeLimits, PollingLimits, RoomNameLimits, WwwLimits};

const WIRE: &str = "Limits on what a peer may send";
const TIME: &str = "Timeouts";
const CONNECTIONS: &str = "Limits on connections";
const OUTPUT: &str = "Limits on what waits to be sent";
const ROSTER: &str = "Roster";
const ROOMS: &str = "Rooms";
/// The bounds of the server. Its `Default` is what the command line's defaults are.
#[derive(Args, Clone, Debug, serde::Serialize)]
pub struct Limits {
    /// Request head size, in bytes; a larger one gets a 431 response
    #[arg(long, value_name = "BYTES", help_heading = WIRE, default_value_t = 32 * 1024)]
    #[arg(value_parser = value_parser!(u32).range(64..=1 << 20))]
    pub head_bytes_max: u32,

    /// Header fields in a request; more get a 431 response
    #[arg(long, value_name = "N", help_heading = WIRE, default_value_t = 100)]
    #[arg(value_parser = value_parser!(u32).range(1..=128))]
    pub head_fields_max: u32,

    /// Request target length, in bytes; a longer one gets a 414 response
    #[arg(long, value_name = "BYTES", help_heading = WIRE, default_value_t = 8 * 1024)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub target_bytes_max: u32,

    /// Request body size, in bytes, where none is wanted; a larger one gets a 413 response
    #[arg(long, value_name = "BYTES", help_heading = WIRE, default_value_t = 64 * 1024)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub body_bytes_max: u32,

    /// Requests on one HTTP connection before it is closed
    #[arg(long, value_name = "N", help_heading = WIRE, default_value_t = 100)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub requests_max: u32,

    /// WebSocket message size, in bytes; a larger one closes the connection with 1009
    #[arg(long, value_name = "BYTES", help_heading = WIRE, default_value_t = 16 * 1024)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub message_bytes_max: u32,

    /// WebSocket frame size, in bytes; a larger one closes the connection with 1009
    #[arg(long, value_name = "BYTES", help_heading = WIRE, default_value_t = 16 * 1024)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub frame_bytes_max: u32,

    /// Frames in one message, empty ones included; more close the connection with 1009
    #[arg(long, value_name = "N", help_heading = WIRE, default_value_t = 64)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub fragments_max: u32,

    /// Messages per second from one connection; more close it with 1008
    #[arg(long, value_name = "N", help_heading = WIRE, default_value_t = 20)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub messages_per_second: u32,

    /// Messages from one connection that may arrive at once
    #[arg(long, value_name = "N", help_heading = WIRE, default_value_t = 40)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub messages_burst: u32,

    /// Bytes per second from one connection; more close it with 1008
    #[arg(long, value_name = "BYTES", help_heading = WIRE, default_value_t = 64 * 1024)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub bytes_per_second: u32,

    /// Control frames per second from one connection; more close it with 1008
    #[arg(long, value_name = "N", help_heading = WIRE, default_value_t = 10)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub control_frames_per_second: u32,

    /// Control frames from one connection that may arrive at once
    #[arg(long, value_name = "N", help_heading = WIRE, default_value_t = 20)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub control_frames_burst: u32,

    /// Namespace name length, in bytes; a longer one closes the connection with 1008
    #[arg(long, value_name = "BYTES", help_heading = WIRE, default_value_t = 1024)]
    #[arg(value_parser = value_parser!(u32).range(1..=1024))]
    pub namespace_bytes_max: u32,

    /// Attachments of a Socket.IO packet; more close the connection with 1008
    #[arg(long, value_name = "N", help_heading = WIRE, default_value_t = 10)]
    #[arg(value_parser = value_parser!(u32).range(1..=1000))]
    pub attachments_max: u32,

    /// Nesting depth of the JSON in a Socket.IO packet; more closes the connection with 1008
    #[arg(long, value_name = "N", help_heading = WIRE, default_value_t = 32)]
    #[arg(value_parser = value_parser!(u32).range(1..=100))]
    pub json_depth_max: u32,

    /// Time to receive a request, from accept or the previous response, in ms
    #[arg(long, value_name = "MS", help_heading = TIME, default_value_t = 10_000)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub handshake_timeout_ms: u32,

    /// Time between a pong and the next ping, in ms, ±10 %
    #[arg(long, value_name = "MS", help_heading = TIME, default_value_t = 25_000)]
    #[arg(value_parser = value_parser!(u32).range(10..))]
    pub ping_interval_ms: u32,

    /// Time to wait for a pong, in ms
    #[arg(long, value_name = "MS", help_heading = TIME, default_value_t = 10_000)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub pong_timeout_ms: u32,

    /// Time for a Socket.IO client to join a namespace, and to send attachments, in ms
    #[arg(long, value_name = "MS", help_heading = TIME, default_value_t = 45_000)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub connect_timeout_ms: u32,

    /// Time for the closing handshake, in ms
    #[arg(long, value_name = "MS", help_heading = TIME, default_value_t = 5_000)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub close_timeout_ms: u32,

    /// Time to close all connections after a signal to stop, in ms
    #[arg(long, value_name = "MS", help_heading = TIME, default_value_t = 5_000)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub shutdown_timeout_ms: u32,

    /// Time for a peer to accept a frame that it was sent the start of, in ms …
    #[arg(long, value_name = "MS", help_heading = TIME, default_value_t = 10_000)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub send_timeout_ms: u32,

    /// … plus the time that the frame takes at this rate, in bytes per second
    #[arg(long, value_name = "BYTES", help_heading = TIME, default_value_t = 16 * 1024)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub send_bytes_per_second_min: u32,

    /// Time that somebody stays on the roster after closing a page, in ms; a reload is shorter
    #[arg(long, value_name = "MS", help_heading = TIME, default_value_t = 3_000)]
    #[arg(value_parser = value_parser!(u32).range(1..=3_600_000))]
    pub hold_closed_ms: u32,

    /// Time that somebody stays on the roster whose connection broke, in ms
    #[arg(long, value_name = "MS", help_heading = TIME, default_value_t = 15_000)]
    #[arg(value_parser = value_parser!(u32).range(1..=3_600_000))]
    pub hold_lost_ms: u32,

    /// Time the kernel waits for an acknowledgement of sent data, in ms (TCP_USER_TIMEOUT)
    #[arg(long, value_name = "MS", help_heading = TIME, default_value_t = 30_000)]
    #[arg(value_parser = value_parser!(u32).range(1_000..=32_767_000))]
    pub tcp_user_timeout_ms: u32,

    /// Length from which a turn of the event loop is counted and logged as a stall, in ms
    #[arg(long, value_name = "MS", help_heading = TIME, default_value_t = 100)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub stall_ms: u32,

    /// Open connections; at most the limit on open files, less 64
    #[arg(long, value_name = "N", help_heading = CONNECTIONS, default_value_t = 1_000_000)]
    #[arg(value_parser = value_parser!(u32).range(1..=1 << 24))]
    pub connections_max: u32,

    /// Connections not yet upgraded to WebSocket; beyond this the oldest is dropped
    #[arg(long, value_name = "N", help_heading = CONNECTIONS, default_value_t = 1024)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub pending_max: u32,

    /// Open connections at --metrics-listen, which count towards no other limit
    #[arg(long, value_name = "N", help_heading = CONNECTIONS, default_value_t = 16)]
    #[arg(value_parser = value_parser!(u32).range(1..=32))]
    pub metrics_connections_max: u32,

    /// Open connections from one address (IPv4 /32, IPv6 /64); loopback is exempt
    #[arg(long, value_name = "N", help_heading = CONNECTIONS, default_value_t = 1000)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub connections_per_address_max: u32,

    /// New connections per second from one address; loopback is exempt
    #[arg(long, value_name = "N", help_heading = CONNECTIONS, default_value_t = 100)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub accepts_per_address_per_second: u32,

    /// New connections from one address that may arrive at once
    #[arg(long, value_name = "N", help_heading = CONNECTIONS, default_value_t = 1000)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub accepts_per_address_burst: u32,

    /// Connections accepted in one turn of the event loop
    #[arg(long, value_name = "N", help_heading = CONNECTIONS, default_value_t = 64)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub accepts_per_turn: u32,

    /// Bytes read from one connection in one turn of the event loop
    #[arg(long, value_name = "BYTES", help_heading = CONNECTIONS, default_value_t = 64 * 1024)]
    #[arg(value_parser = value_parser!(u32).range(1..=1 << 24))]
    pub read_bytes_per_turn: u32,

    /// Connections pinged or timed out in one turn of the event loop
    #[arg(long, value_name = "N", help_heading = CONNECTIONS, default_value_t = 256)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub deadlines_per_turn: u32,

    /// Connections read from in one turn; as many are sent room updates, and as many are closed
    #[arg(long, value_name = "N", help_heading = CONNECTIONS, default_value_t = 64)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub connections_per_turn: u32,

    /// Room updates sent in one turn, in bytes; the same amount of other output is allowed
    #[arg(long, value_name = "BYTES", help_heading = CONNECTIONS, default_value_t = 1 << 20)]
    #[arg(value_parser = value_parser!(u32).range(1..=1 << 30))]
    pub send_bytes_per_turn: u32,

    /// Unsent responses and replies on one connection, in bytes; beyond this it is not read from
    #[arg(long, value_name = "BYTES", help_heading = OUTPUT, default_value_t = 64 * 1024)]
    #[arg(value_parser = value_parser!(u32).range(1..=1 << 30))]
    pub reply_bytes_max: u32,

    /// Roster changes kept for connections behind, in bytes, or the roster's size if larger
    #[arg(long, value_name = "BYTES", help_heading = OUTPUT, default_value_t = 4 * 1024)]
    #[arg(value_parser = value_parser!(u32).range(1..=1 << 30))]
    pub log_bytes_min: u32,

    /// Roster changes kept for clients that come back, in bytes for each room
    #[arg(long, value_name = "BYTES", help_heading = OUTPUT, default_value_t = 128 * 1024)]
    #[arg(value_parser = value_parser!(u32).range(1..=1 << 30))]
    pub resume_bytes_max: u32,

    /// Kernel send buffer of each connection, in bytes (SO_SNDBUF)
    #[arg(long, value_name = "BYTES", help_heading = OUTPUT, default_value_t = 64 * 1024)]
    #[arg(value_parser = value_parser!(u32).range(1..=1 << 30))]
    pub send_buffer_bytes: u32,

    /// Data that the kernel accepts ahead of sending it, in bytes (TCP_NOTSENT_LOWAT)
    #[arg(long, value_name = "BYTES", help_heading = OUTPUT, default_value_t = 16 * 1024)]
    #[arg(value_parser = value_parser!(u32).range(1..=1 << 30))]
    pub notsent_bytes_max: u32,

    /// Size from which a message is compressed, in bytes
    #[arg(long, value_name = "BYTES", help_heading = OUTPUT, default_value_t = 1024)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub deflate_bytes_min: u32,

    /// Compression level, from 1 (fastest) to 9 (smallest)
    #[arg(long, value_name = "N", help_heading = OUTPUT, default_value_t = 6)]
    #[arg(value_parser = value_parser!(u32).range(1..=9))]
    pub deflate_level: u32,

    /// Input read and discarded while a connection closes, in bytes
    #[arg(long, value_name = "BYTES", help_heading = OUTPUT, default_value_t = 64 * 1024)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub drain_bytes_max: u32,

    /// Memory of all connections, in MiB; beyond this the largest ends [default: a quarter of all]
    #[arg(long, value_name = "MIB", help_heading = OUTPUT, hide_default_value = true)]
    #[arg(default_value_t = 1024, value_parser = value_parser!(u32).range(1..))]
    pub buffered_mebibytes_max: u32,

    /// Time between two commits of a room, in ms; the first after a quiet time is immediate
    #[arg(long, value_name = "MS", help_heading = ROSTER, default_value_t = 20)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub commit_interval_ms: u32,

    /// Name length, in characters as readers count them
    #[arg(long, value_name = "N", help_heading = ROSTER, default_value_t = 32)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub name_chars_max: u32,

    /// Name length, in bytes of UTF-8
    #[arg(long, value_name = "BYTES", help_heading = ROSTER, default_value_t = 128)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub name_bytes_max: u32,

    /// Name changes per minute on one connection; the first login in each room beyond one is free
    #[arg(long, value_name = "N", help_heading = ROSTER, default_value_t = 5)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub name_changes_per_minute: u32,

    /// Time between two reports of how many are in a room, for those who want no more, in ms
    #[arg(long, value_name = "MS", help_heading = ROSTER, default_value_t = 1_000)]
    #[arg(value_parser = value_parser!(u32).range(1..=3_600_000))]
    pub count_interval_ms: u32,

    /// Keys of one person's presence data
    #[arg(long, value_name = "N", help_heading = ROSTER, default_value_t = 8)]
    #[arg(value_parser = value_parser!(u32).range(1..=1000))]
    pub data_keys_max: u32,

    /// Length of one person's presence data, in bytes of JSON
    #[arg(long, value_name = "BYTES", help_heading = ROSTER, default_value_t = 1024)]
    #[arg(value_parser = value_parser!(u32).range(2..=1 << 20))]
    pub data_bytes_max: u32,

    /// Nesting depth of presence data
    #[arg(long, value_name = "N", help_heading = ROSTER, default_value_t = 8)]
    #[arg(value_parser = value_parser!(u32).range(1..=100))]
    pub data_depth_max: u32,

    /// Updates per second from one connection: presence data, status, views, rooms entered
    #[arg(long, value_name = "N", help_heading = ROSTER, default_value_t = 5)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub updates_per_second: u32,

    /// Updates from one connection that may arrive at once
    #[arg(long, value_name = "N", help_heading = ROSTER, default_value_t = 40)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub updates_burst: u32,

    /// Rooms that exist at once; one more gets an error
    #[arg(long, value_name = "N", help_heading = ROOMS, default_value_t = 100_000)]
    #[arg(value_parser = value_parser!(u32).range(1..=1 << 24))]
    pub rooms_max: u32,

    /// Rooms that one connection is in; one more gets an error
    #[arg(long, value_name = "N", help_heading = ROOMS, default_value_t = 32)]
    #[arg(value_parser = value_parser!(u32).range(1..=1000))]
    pub rooms_per_connection_max: u32,

    /// Connections in one room; one more gets an error
    #[arg(long, value_name = "N", help_heading = ROOMS, default_value_t = 1_000_000)]
    #[arg(value_parser = value_parser!(u32).range(1..=1 << 24))]
    pub followers_per_room_max: u32,

    /// Connections logged in to one room; one more login gets an error
    #[arg(long, value_name = "N", help_heading = ROOMS, default_value_t = 1_000_000)]
    #[arg(value_parser = value_parser!(u32).range(1..=1 << 24))]
    pub members_per_room_max: u32,

    /// Logins without a connection; one more ends when its connection does
    #[arg(long, value_name = "N", help_heading = ROOMS, default_value_t = 100_000)]
    #[arg(value_parser = value_parser!(u32).range(1..=1 << 24))]
    pub held_members_max: u32,

    /// Names of rooms.
    #[command(flatten)]
    #[serde(flatten)]
    pub room_name: RoomNameLimits,

    /// Several processes.
    #[command(flatten)]
    #[serde(flatten)]
    pub nodes: NodeLimits,

    /// Long-polling.
    #[command(flatten)]
    #[serde(flatten)]
    pub polling: PollingLimits,

    /// What is served from --www.
    #[command(flatten)]
    #[serde(flatten)]
    pub www: WwwLimits,
}
