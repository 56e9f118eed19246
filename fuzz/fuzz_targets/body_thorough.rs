#![no_main]
//! A request body, in every split and as a slow decoder reads it.

use headcount_support::fuzz::{self, grammar};

headcount_fuzz::target!(fuzz::body_thorough, grammar::change_body);
