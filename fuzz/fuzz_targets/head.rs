#![no_main]
//! Requests, whole and in one other split.

use headcount_support::fuzz::{self, grammar};

headcount_fuzz::target!(fuzz::head, grammar::change_head);
