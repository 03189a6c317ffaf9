//! Chance that repeats itself: the same seed throws the same numbers on every machine.

/// A small generator (splitmix64). Nothing here needs to be hard to guess.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Makes dice that throw the same numbers for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Throws a number.
    pub fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Throws a number below `most`; 0 where there is none.
    pub fn below(&mut self, most: usize) -> usize {
        let most = most as u64;
        usize::try_from(self.throw().checked_rem(most).unwrap_or(0)).unwrap_or(0)
    }

    /// Throws a number of 0 up to, and without, 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit into the number exactly")]
    pub fn fraction(&mut self) -> f64 {
        (self.throw() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Tells whether something of this probability happens now.
    pub fn happens(&mut self, chance: f64) -> bool {
        self.fraction() < chance
    }

    /// Picks one of several.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }
}
