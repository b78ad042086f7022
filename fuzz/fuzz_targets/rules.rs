//! Any lines for a shell: see `harness/rules.rs`.
//!
//! `cargo +nightly fuzz run rules`
#![no_main]

#[path = "../harness/rules.rs"]
mod harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    harness::feed(bytes);
});
