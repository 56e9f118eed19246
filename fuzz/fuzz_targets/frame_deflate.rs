#![no_main]
//! The same where messages may be compressed.

use headcount_support::fuzz::{self, grammar};

headcount_fuzz::target!(fuzz::frame_deflate, grammar::change_deflated_frames);
