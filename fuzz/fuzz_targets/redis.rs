#![no_main]
//! What the server of `--redis` sends, and other nodes by way of it.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| headcount_support::fuzz::redis(bytes));
