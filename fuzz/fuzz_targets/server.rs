#![no_main]
//! A schedule of clients and faults, for the whole server.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| headcount_support::fuzz::server(bytes));
