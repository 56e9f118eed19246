#![no_main]
//! Operations of many clients, against a model.

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| headcount_support::fuzz::hub(bytes));
