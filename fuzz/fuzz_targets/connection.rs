#![no_main]
//! All that one client sends, in several splits.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| headcount_support::fuzz::connection(bytes));
