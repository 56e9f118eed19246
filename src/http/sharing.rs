//! Which pages of other origins may read a response (Fetch, "CORS protocol").

use super::response::ResponseHead;

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
}
