//! The closing handshake of a WebSocket (RFC 6455 §7). A session without one just ends: whoever
//! carries its messages is told by the hub.

use crate::api;
use crate::config::Config;
use crate::time::Time;
use crate::ws::{CloseCode, Opcode};

use super::cause::Cause;
use super::identity::Identity;
use super::phase::{Connection, Phase};

/// When the server stops, clients come back after a random time up to this, in ms. Another one is
/// to take them all.
const RETRY_MS: u32 = 5_000;

impl Connection {
    /// Starts the closing handshake (RFC 6455 §7.1.2): sends Close and awaits the peer's.
    pub(crate) fn close(&mut self, cause: Cause, config: &Config, now: Time) {
        let has_greeted = matches!(self.identity.as_deref(), Some(Identity::Known(_)));
        if let Phase::Polling(_) = self.phase {
            return self.end(cause);
        }
        if let Phase::WebSocket(socket) = &mut self.phase
            && !socket.is_closing()
        {
            let timeout_ms = u64::from(config.limits.close_timeout_ms);
            socket.await_close(cause, now.after_ms(timeout_ms));
            if cause == Cause::Stopping && has_greeted && socket.protocol.is_native() {
                self.outbox.reply(Opcode::Text, &api::bye(RETRY_MS));
            }
            self.outbox.reply(Opcode::Close, &cause.close_code().as_u16().to_be_bytes());
        }
    }

    /// Fails the WebSocket connection (RFC 6455 §7.1.7): nothing more of its peer is read.
    pub(crate) fn fail(&mut self, cause: Cause, config: &Config, now: Time) {
        self.finish_close(Some(cause.close_code()), cause, config, now);
    }

    /// Answers the peer's Close frame with its code, if it had one.
    pub(crate) fn acknowledge_close(
        &mut self,
        code: Option<CloseCode>,
        config: &Config,
        now: Time,
    ) {
        let cause = match code {
            Some(CloseCode::LOGOUT) => Cause::LoggedOut,
            _ => Cause::Closed,
        };
        self.finish_close(code, cause, config, now);
    }

    /// Sends Close, unless that is done, and drains.
    fn finish_close(&mut self, code: Option<CloseCode>, cause: Cause, config: &Config, now: Time) {
        if let Phase::Polling(_) = self.phase {
            return self.end(cause);
        }
        if matches!(&self.phase, Phase::WebSocket(socket) if !socket.is_closing()) {
            match code {
                Some(code) => self.outbox.reply(Opcode::Close, &code.as_u16().to_be_bytes()),
                // RFC 6455 §5.5.1: an empty Close frame is answered with an empty one.
                None => self.outbox.reply(Opcode::Close, b""),
            }
        }
        self.drain(cause, now.after_ms(u64::from(config.limits.close_timeout_ms)));
    }
}
