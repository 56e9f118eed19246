//! headcount: a live roster.

pub mod http;
pub mod rate;
pub mod time;
pub mod ws;
