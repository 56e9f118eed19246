//! What the targets share: how libFuzzer's inputs are changed, and codecs beside this server's.

#![allow(missing_docs, reason = "nobody but the targets uses it")]

pub mod soketto;
pub mod tungstenite;

use std::cell::RefCell;
use std::sync::LazyLock;

use headcount_support::fuzz::Xorshift;
use headcount_support::fuzz::grammar::Change;

/// To see what the grammars are worth: with this in the environment libFuzzer is left to its own.
static IS_PLAIN: LazyLock<bool> =
    LazyLock::new(|| std::env::var_os("HEADCOUNT_FUZZ_PLAIN").is_some());

thread_local! {
    static INPUT: RefCell<Vec<u8>> = RefCell::default();
}

/// Changes the first `size` of `data`, of which there may be `size_max` then: by the grammar or as
/// libFuzzer does, or both.
pub fn mutate(data: &mut [u8], size: usize, size_max: usize, seed: u32, change: Change) -> usize {
    let mut random = Xorshift::new(u64::from(seed).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let manner = random.below(4);
    if manner < 2 || *IS_PLAIN {
        return libfuzzer_sys::fuzzer_mutate(data, size, size_max);
    }
    let size = INPUT.with_borrow_mut(|input| {
        input.clear();
        input.extend_from_slice(&data[..size]);
        change(input, &mut random);
        let size = input.len().min(size_max);
        data[..size].copy_from_slice(&input[..size]);
        size
    });
    match manner {
        2 => size,
        _ => libfuzzer_sys::fuzzer_mutate(data, size, size_max),
    }
}

/// A target and the grammar of its inputs.
#[macro_export]
macro_rules! target {
    ($target:path, $change:path) => {
        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| $target(bytes));
        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max: usize, seed: u32| {
            $crate::mutate(data, size, max, seed, $change)
        });
    };
}
