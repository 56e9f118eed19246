//! Requests with a body: it is awaited, and then they are responded to like others.

use crate::config::Limits;
use crate::connection::{Body, BodyUse, Connection, WholeRequest};
use crate::http::{FieldStorage, Method, RequestHead};
use crate::time::Time;

use super::context::Context;

/// RFC 9110 §15.2.1. It is no response: that comes when the body has.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

impl Context {
    /// What becomes of the body of a request, and how long it may be.
    fn body_use(&mut self, connection: &mut Connection, head: &RequestHead<'_>) -> (BodyUse, u32) {
        let Limits { body_bytes_max, message_bytes_max, .. } = self.config.limits;
        match self.takes_packets(connection, head) {
            true => (BodyUse::Collect, message_bytes_max),
            false => (BodyUse::Discard, body_bytes_max),
        }
    }

    /// Awaits the body of a request, unless the response has to come before it. `bytes` are those
    /// of the head; `has_begun` is whether some of the body has come with it.
    pub(super) fn await_body(
        &mut self,
        connection: &mut Connection,
        head: &RequestHead<'_>,
        bytes: &[u8],
        has_begun: bool,
        now: Time,
    ) {
        let (usage, bytes_max) = self.body_use(connection, head);
        let body = match Body::new(bytes, head.body, usage, bytes_max) {
            Ok(body) => body,
            Err(error) => return self.refuse(connection, error, head.method == Method::Head, now),
        };
        if head.expects_continue {
            match usage {
                // RFC 9110 §10.1.1: a final status in place of 100 tells the client that the body
                // is not wanted. Whether it comes all the same, or the next request does, can't be
                // known: so this one is the last.
                BodyUse::Discard => return self.route(connection, head, Vec::new(), false, now),
                // A client that did not wait needs not be told to go on.
                BodyUse::Collect if has_begun => {}
                BodyUse::Collect => connection.outbox.replies().extend_from_slice(CONTINUE),
            }
        }
        if let Some(http) = connection.http_mut() {
            http.await_body(body);
        }
    }

    /// Takes what `input` has of the body that is awaited, and responds to the request if that is
    /// all. Says how many bytes that were.
    pub(super) fn consume_body(
        &mut self,
        connection: &mut Connection,
        input: &[u8],
        now: Time,
    ) -> usize {
        let Some(http) = connection.http_mut() else { return 0 };
        let (used, whole) = http.receive_body(input);
        if let Some(WholeRequest { head, content }) = whole {
            let (limits, mut storage) = (self.head_limits(), FieldStorage::default());
            match (RequestHead::decode(&head, &limits, &mut storage), content) {
                (Ok(head), Ok(content)) => {
                    self.route(connection, &head, content, head.keeps_alive(), now);
                }
                (Ok(head), Err(error)) => {
                    self.refuse(connection, error, head.method == Method::Head, now);
                }
                (Err(error), _) => self.refuse(connection, error, false, now),
            }
        }
        used
    }
}
