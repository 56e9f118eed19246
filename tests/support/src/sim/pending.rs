//! A request of a client, until it is known to be done.

use super::requests::{Act, Request};
use super::rosters::At;
use super::seats::Fate;

/// A request that is not known to be done.
#[derive(Debug)]
pub struct Pending {
    pub request: Request,
    /// What it is known by in the answer.
    pub id: Option<String>,
    pub from_us: u64,
    pub fate: Fate,
    pub may_fail: &'static [&'static str],
    /// Whether it may be somebody by it who was held.
    pub is_return: bool,
    /// The error that came before its acknowledgement.
    pub error: Option<String>,
    /// Where its copy led to, which may be told before it is answered.
    pub resumed: Option<At>,
}

impl Pending {
    /// Whether there is no answer to it.
    pub fn is_silent(&self) -> bool {
        let is_answered = self.request.act == Act::Ping || self.is_hello();
        self.id.is_none() && self.fate.is_ok() && !is_answered
    }

    pub fn is_hello(&self) -> bool {
        matches!(self.request.act, Act::Hello(_))
    }

    /// Whether it is a request of Socket.IO with an acknowledgement.
    pub fn is_acknowledged(&self) -> bool {
        self.id.as_ref().is_some_and(|id| id.starts_with('/'))
    }

    pub fn check_code(&self, code: &str) {
        let is_expected = match &self.fate {
            Err(codes) => codes.contains(&code),
            Ok(_) => false,
        };
        let is_fair = is_expected || self.may_fail.contains(&code);
        assert!(is_fair, "{:?} got {code}, not {:?}", self.request, self.fate);
    }
}

/// Whether a request may be one for another name, or for none.
pub fn is_naming(request: &Request) -> bool {
    matches!(request.act, Act::Login(..) | Act::Logout | Act::Exit | Act::Hello(_))
}
