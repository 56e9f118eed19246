#![no_main]
//! Packets of Socket.IO, against a slow decoder.

use headcount_support::fuzz::{self, grammar};

headcount_fuzz::target!(fuzz::packet_thorough, grammar::change_packet);
