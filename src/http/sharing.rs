//! Which pages of other origins may read a response (Fetch, "CORS protocol").

use super::head::RequestHead;
use super::response::ResponseHead;
use super::token::is_token;

/// For how long a browser may keep what a preflight said, in seconds: no browser keeps it longer
/// than a day, and Chromium not longer than this.
const PREFLIGHT_AGE_MAX: &str = "7200";

/// Which pages of other origins may read a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// None.
    Nobody,
    /// All of them.
    Anybody,
    /// Those of some origins, among which this may be that of the request.
    Some(Option<Box<str>>),
}

impl Sharing {
    /// Says so in the response.
    pub fn add_to(&self, response: ResponseHead) -> ResponseHead {
        match self {
            Sharing::Nobody => response,
            Sharing::Anybody => response.field("Access-Control-Allow-Origin", "*"),
            Sharing::Some(origin) => {
                let response = response.field("Vary", "Origin");
                match origin {
                    Some(origin) => response.field("Access-Control-Allow-Origin", origin),
                    None => response,
                }
            }
        }
    }

    /// The same for a response to a page that may have sent cookies along: without this field a
    /// browser keeps it from that page. Where all origins may read, no cookies are sent.
    pub fn add_with_credentials_to(&self, response: ResponseHead) -> ResponseHead {
        let response = self.add_to(response);
        match self {
            Sharing::Some(Some(_)) => response.field("Access-Control-Allow-Credentials", "true"),
            _ => response,
        }
    }

    /// The same for the response to a preflight, with which a browser asks whether a page may make
    /// a request that forms and pictures can't make: of these `methods`, and with whatever fields.
    pub fn add_preflight_to(
        &self,
        response: ResponseHead,
        head: &RequestHead<'_>,
        methods: &str,
    ) -> ResponseHead {
        let response = self.add_with_credentials_to(response);
        let allows = matches!(self, Sharing::Anybody | Sharing::Some(Some(_)));
        if !allows || head.values("access-control-request-method").next().is_none() {
            return response;
        }
        let response = response
            .field("Access-Control-Allow-Methods", methods)
            .field("Access-Control-Max-Age", PREFLIGHT_AGE_MAX);
        let names: Vec<_> = head
            .list("access-control-request-headers")
            .filter(|name| is_token(name))
            .filter_map(|name| str::from_utf8(name).ok())
            .collect();
        if names.is_empty() {
            return response;
        }
        // By their names, since `*` does not mean all where cookies are sent, nor ever
        // `Authorization`.
        response.field("Access-Control-Allow-Headers", &names.join(", "))
    }
}
