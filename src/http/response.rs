//! The head of a response and its bytes.

use std::fmt::Write;

use super::status::Status;

/// The head of a response, being written. Its fields are this server's own words, so nothing needs
/// to be escaped. Of a request they repeat at most a query, in a redirect, and names of fields, in
/// the response to a preflight: a decoded head has made sure that these are printable.
#[derive(Debug)]
pub struct ResponseHead {
    status: Status,
    head: String,
}

impl ResponseHead {
    /// Starts a response of the given date, an HTTP-date (RFC 9110 §6.6.1).
    pub fn new(status: Status, date: &str) -> ResponseHead {
        let mut head = String::with_capacity(512);
        let (code, reason) = (status.code(), status.reason());
        let _ = write!(head, "HTTP/1.1 {code} {reason}\r\nDate: {date}\r\n");
        ResponseHead { status, head }
    }

    /// Its status.
    pub const fn status(&self) -> Status {
        self.status
    }

    /// Adds a field.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> ResponseHead {
        debug_assert!(!value.contains(['\r', '\n', '\0']));
        let _ = write!(self.head, "{name}: {value}\r\n");
        self
    }

    /// Adds the media type of the body and forbids browsers to guess another.
    #[must_use]
    pub fn content_type(self, media_type: &str) -> ResponseHead {
        self.field("Content-Type", media_type).field("X-Content-Type-Options", "nosniff")
    }

    /// Adds the length of the body, in bytes.
    #[must_use]
    pub fn content_length(mut self, bytes: usize) -> ResponseHead {
        let _ = write!(self.head, "Content-Length: {bytes}\r\n");
        self
    }

    /// Ends the head: its bytes.
    pub fn finish(mut self) -> Vec<u8> {
        self.head.push_str("\r\n");
        self.head.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn response_head_is_that_of_the_rfc() {
        let head = ResponseHead::new(Status::UriTooLong, "Sun, 06 Nov 1994 08:49:37 GMT")
            .content_type("text/plain")
            .content_length(3)
            .finish();
        assert_eq!(
            String::from_utf8(head).unwrap(),
            "HTTP/1.1 414 URI Too Long\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
             Content-Type: text/plain\r\nX-Content-Type-Options: nosniff\r\n\
             Content-Length: 3\r\n\r\n"
        );
    }
}
