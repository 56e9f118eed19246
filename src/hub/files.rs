//! Responses with files: the page, its modules, or a folder's.

use crate::assets::Asset;
use crate::config::Config;
use crate::http::{self, Method, Part, RequestHead, ResponseHead, Status};
use crate::shared::Shared;

use super::context::Context;
use super::response::Response;
use super::socketio;

/// Whether a request wants no copy of what has this tag, since it has one.
pub(super) fn is_none_of(head: &RequestHead<'_>, etag: &str) -> bool {
    // RFC 9110 §13.1.2: compared weakly, as a proxy may have made a tag weak.
    let is_same =
        |tag: &[u8]| tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == etag.as_bytes();
    head.list("if-none-match").any(is_same)
}

/// The paths at which there is something else: a file of such a path is never served.
#[derive(Clone, Copy, Debug)]
pub struct Routes {
    echo: bool,
}

impl Routes {
    /// Those of a server with this configuration.
    pub fn of(config: &Config) -> Routes {
        Routes { echo: config.echo }
    }

    /// Whether `path` is one of them.
    pub fn has(self, path: &str) -> bool {
        match path {
            "/healthz" | "/readyz" | "/metrics" | "/socket.io/" => true,
            "/echo" => self.echo,
            _ => room_of(path, "/ws").or(room_of(path, "/roster")).is_some(),
        }
    }
}

/// The room that a path names behind `start`: `/ws` is that without a name, `/ws/a/b` is `a/b`.
pub(super) fn room_of<'a>(path: &'a str, start: &str) -> Option<&'a str> {
    match path.strip_prefix(start)? {
        "" => Some(""),
        rest => rest.strip_prefix('/').filter(|name| !name.is_empty()),
    }
}

impl Context {
    /// The response to a request for a file.
    pub(super) fn file(&self, head: &RequestHead<'_>) -> Response {
        // The scripts that a page expects of its server are not in the way of a folder's own.
        let alias = || self.assets.get(socketio::asset_path(&head.path));
        match self.assets.get(&head.path).or_else(alias) {
            Some(asset) => self.asset(asset, head),
            None if self.assets.lacks_slash(&head.path) => self.folder(head),
            None => self.nothing_here(),
        }
    }

    fn asset(&self, asset: &Asset, head: &RequestHead<'_>) -> Response {
        // RFC 9110 §13.1.1: compared strongly, and looked at first (§13.2.2).
        let is_wanted = |tag: &[u8]| tag == b"*" || tag == asset.etag.as_bytes();
        if head.values("if-match").next().is_some() && !head.list("if-match").any(is_wanted) {
            return self.text(Status::PreconditionFailed, "it has changed");
        }
        if is_none_of(head, &asset.etag) {
            // RFC 9110 §15.4.5: a 304 has no body and no fields that describe one.
            let response = self.asset_response(Status::NotModified, asset, head);
            return Response { head: response, body: Shared::default(), connection: None };
        }
        let whole = asset.body.len();
        let (response, body) = match wanted_part(asset, head) {
            Part::Whole => (self.asset_response(Status::Ok, asset, head), asset.body.clone()),
            Part::Bytes(range) => {
                let content_range = format!("bytes {}-{}/{whole}", range.start, range.end - 1);
                let response = self.asset_response(Status::PartialContent, asset, head);
                (response.field("Content-Range", &content_range), asset.body.slice(range))
            }
            Part::Beyond => return self.beyond(whole),
        };
        let response = response
            .field("Accept-Ranges", "bytes")
            .content_type(asset.media_type)
            .content_length(body.len());
        Response { head: response, body, connection: None }
    }

    /// The fields that every response with a file has, or with the news that it is the same.
    fn asset_response(
        &self,
        status: Status,
        asset: &Asset,
        head: &RequestHead<'_>,
    ) -> ResponseHead {
        let mut response = ResponseHead::new(status, &self.date)
            .field("ETag", &asset.etag)
            .field("Cache-Control", "no-cache")
            .field("Referrer-Policy", "no-referrer");
        if let Some(policy) = &asset.policy {
            response = response.field("Content-Security-Policy", policy);
        }
        self.share(response, head)
    }

    /// RFC 9110 §15.5.17: the part that is asked for is not there.
    fn beyond(&self, bytes: usize) -> Response {
        let mut response = self.text(Status::RangeNotSatisfiable, "it is not as long as that");
        response.head = response.head.field("Content-Range", &format!("bytes */{bytes}"));
        response
    }

    /// Sends a client on to the folder that it means, so that what the folder's index refers to is
    /// looked for in the folder. The way there is relative: it leads to no other server, and stays
    /// right behind a proxy that takes a prefix off the path.
    fn folder(&self, head: &RequestHead<'_>) -> Response {
        let name = head.path.rsplit('/').next().unwrap_or_default();
        let mut location = format!("./{}/", http::encode_segment(name));
        if !head.query.is_empty() {
            // It is a part of a target that was taken: printable, and without a fragment.
            location.extend(["?", head.query]);
        }
        let mut response = self.text(Status::MovedPermanently, "it is a folder");
        response.head = self.share(response.head.field("Location", &location), head);
        response
    }
}

/// The part that a request wants, if the file is the one that it has a part of.
fn wanted_part(asset: &Asset, head: &RequestHead<'_>) -> Part {
    // RFC 9110 §14.2: GET is the only method that has ranges.
    let Ok(Some(range)) = head.single("range") else { return Part::Whole };
    if head.method != Method::Get {
        return Part::Whole;
    }
    // RFC 9110 §13.1.5: compared strongly. A date is none that we gave.
    match head.single("if-range") {
        Ok(tag) if tag.is_none_or(|tag| tag == asset.etag.as_bytes()) => {
            http::part(range, asset.body.len())
        }
        _ => Part::Whole,
    }
}
