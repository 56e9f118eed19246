//! What a WebSocket must be told, from the bytes that it sent alone.
//!
//! Only rates and deadlines can make it otherwise; whoever uses this sees to it that they don't.

use std::sync::OnceLock;

use headcount::api::{self, Action, ApiError};
use headcount::config::{Config, ECHO, Limits};
use headcount::names;

use super::reference::{self, Deflate, Sent};
use crate::wire::Told;

/// What follows from the bytes that one WebSocket sent.
#[derive(Debug, Default)]
pub struct Expected {
    /// The frames for it alone, as [`Listener`](super::listener::Listener) keeps them.
    pub private: Vec<Told>,
    /// The pongs that it sent.
    pub pongs: Vec<Vec<u8>>,
    /// Its name on the roster.
    pub name: Option<String>,
    /// Whether it has said or done nothing yet that ends the connection.
    pub is_open: bool,
}

impl Expected {
    /// For `/echo`.
    pub fn echo(bytes: &[u8], deflate: Deflate) -> Expected {
        Expected::new(bytes, deflate, None)
    }

    /// For `/ws`.
    pub fn roster(bytes: &[u8], deflate: Deflate, limits: &Limits) -> Expected {
        Expected::new(bytes, deflate, Some(limits))
    }

    fn new(bytes: &[u8], deflate: Deflate, roster: Option<&Limits>) -> Expected {
        let message_limits = roster.map_or(ECHO, Limits::messages);
        let (events, error) = reference::decode(bytes, &message_limits, deflate);
        let mut expected = Expected { is_open: true, ..Expected::default() };
        for event in events {
            match (event, roster) {
                (Sent::Ping(data), _) => expected.private.push(Told::Pong(data)),
                (Sent::Pong(data), _) => expected.pongs.push(data),
                (Sent::Close(code), _) => {
                    expected.end(code);
                    return expected;
                }
                (Sent::Text(text), None) => expected.private.push(Told::Text(text)),
                (Sent::Binary(bytes), None) => expected.private.push(Told::Binary(bytes)),
                (Sent::Text(text), Some(limits)) => {
                    let outcome = expected.obey(&text, limits);
                    expected.tell(outcome);
                }
                (Sent::Binary(_), Some(_)) => expected.tell(Err(ApiError::MessageInvalid)),
            }
        }
        if let Some(error) = error {
            expected.end(Some(error.close_code().as_u16()));
        }
        expected
    }

    fn end(&mut self, code: Option<u16>) {
        self.private.push(Told::Close(code));
        self.is_open = false;
        self.name = None;
    }

    fn obey(&mut self, text: &str, limits: &Limits) -> Result<(), ApiError> {
        self.name = match api::decode(text, limits.data_depth_max).request?.action {
            Action::Login(name, _) => {
                Some(names::canonical(&name, limits.names()).map_err(ApiError::Name)?.into())
            }
            Action::Logout => None,
            Action::Ping => {
                self.private.push(Told::Text("pong".to_owned()));
                return Ok(());
            }
            _ => return Ok(()),
        };
        Ok(())
    }

    fn tell(&mut self, outcome: Result<(), ApiError>) {
        if let Err(error) = outcome {
            self.private.push(Told::Text(error.code().to_owned()));
        }
    }
}

/// What a client offers that can compress.
pub const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

/// A server that echoes, and has its own limits.
pub fn default_config() -> Config {
    // The limits come from the command line's defaults, which takes a while.
    static DEFAULT: OnceLock<Config> = OnceLock::new();
    DEFAULT.get_or_init(|| Config { echo: true, ..Config::default() }).clone()
}

/// The same with rates that nobody reaches; and all is compressed, if that was agreed on.
pub fn generous_config() -> Config {
    let mut config = default_config();
    config.limits = Limits {
        messages_per_second: 1 << 20,
        messages_burst: 1 << 20,
        bytes_per_second: 1 << 30,
        control_frames_per_second: 1 << 20,
        control_frames_burst: 1 << 20,
        name_changes_per_minute: 1 << 20,
        deflate_bytes_min: 1,
        ..config.limits
    };
    config
}
