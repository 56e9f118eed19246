#![no_main]
//! A request body, whole and in one other split, against a reader of lines.

use headcount_support::fuzz::{self, grammar};

headcount_fuzz::target!(fuzz::body, grammar::change_body);
