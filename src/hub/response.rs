//! A response to a request, and those that many requests have in common.

use crate::http::{Method, RequestHead, ResponseHead, Status};
use crate::shared::Shared;

use super::context::Context;

const TEXT: &str = "text/plain; charset=utf-8";

/// A response, before it is known whether the connection stays.
pub(super) struct Response {
    pub(super) head: ResponseHead,
    pub(super) body: Shared,
    /// The `Connection` field, if the connection must end whatever the client wishes.
    pub(super) connection: Option<&'static str>,
}

impl Context {
    pub(super) fn nothing_here(&self) -> Response {
        self.text(Status::NotFound, "there is nothing here")
    }

    /// A response of one line.
    pub(super) fn text(&self, status: Status, line: &str) -> Response {
        let body = format!("{line}\n").into_bytes();
        let response = ResponseHead::new(status, &self.date)
            .content_type(TEXT)
            .content_length(body.len())
            .field("Cache-Control", "no-store");
        Response { head: response, body: body.into(), connection: None }
    }

    /// A response of one line that ends the connection.
    pub(super) fn last_words(&self, status: Status, line: &str) -> Response {
        Response { connection: Some("close"), ..self.text(status, line) }
    }

    /// The response to a method that a path has not. After CONNECT, or a request for an upgrade,
    /// comes what is not HTTP if the client did not wait for the response: so that is the last.
    pub(super) fn method_not_allowed(&self, head: &RequestHead<'_>, allowed: &str) -> Response {
        let (status, line) = (Status::MethodNotAllowed, "the method is not allowed");
        let leads_away = head.method == Method::Connect || head.values("upgrade").next().is_some();
        let mut response =
            if leads_away { self.last_words(status, line) } else { self.text(status, line) };
        response.head = response.head.field("Allow", allowed);
        response
    }
}
