#![no_main]
//! Packets of Socket.IO, against a slow decoder.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| headcount_support::fuzz::packet(bytes));
