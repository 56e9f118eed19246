//! A response to a request, and those that many requests have in common.

use crate::http::{Response, Status};
use crate::shared::Shared;

use super::context::Context;

const TEXT: &str = "text/plain; charset=utf-8";

/// An answer before it is known whether the connection stays.
pub(super) struct Answer {
    pub(super) response: Response,
    pub(super) body: Shared,
    /// The `Connection` field, if the connection must end whatever the client wishes.
    pub(super) connection: Option<&'static str>,
}

impl Context {
    pub(super) fn nothing_here(&self) -> Answer {
        self.text(Status::NotFound, "there is nothing here")
    }

    /// An answer of one line.
    pub(super) fn text(&self, status: Status, line: &str) -> Answer {
        let body = format!("{line}\n").into_bytes();
        let response = Response::new(status, &self.date)
            .content_type(TEXT)
            .content_length(body.len())
            .field("Cache-Control", "no-store");
        Answer { response, body: body.into(), connection: None }
    }

    /// An answer of one line that ends the connection.
    pub(super) fn last_words(&self, status: Status, line: &str) -> Answer {
        Answer { connection: Some("close"), ..self.text(status, line) }
    }

    pub(super) fn method_not_allowed(&self, allowed: &str) -> Answer {
        let mut answer = self.last_words(Status::MethodNotAllowed, "the method is not allowed");
        answer.response = answer.response.field("Allow", allowed);
        answer
    }
}
