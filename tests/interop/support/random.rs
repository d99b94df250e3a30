//! Chance that can be repeated.

use std::env;
use std::time::Duration;

/// SplitMix64: small, and good enough to choose moments.
pub struct Random(u64);

impl Random {
    /// Starts from `KEYFOB_TEST_SEED`, else from a fixed number; `stream` tells the users of one seed apart.
    pub fn new(stream: u64) -> Self {
        let seed = env::var("KEYFOB_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_124);
        println!("KEYFOB_TEST_SEED={seed} repeats this run's choices");
        Self(seed ^ stream.wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }

    /// A time shorter than `limit`.
    pub fn moment(&mut self, limit: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(limit.as_micros()).unwrap_or(u64::MAX)))
    }
}
