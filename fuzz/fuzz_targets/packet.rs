#![no_main]
//! A packet of Socket.IO, against a slow decoder, and written again.

use headcount_support::fuzz::{self, grammar};

headcount_fuzz::target!(fuzz::packet, grammar::change_packet);
