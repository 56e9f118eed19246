#![no_main]
//! A request head, in every split.

use headcount_support::fuzz::{self, grammar};

headcount_fuzz::target!(fuzz::head_thorough, grammar::change_head);
