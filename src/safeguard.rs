//! The safeguards that tests take out on purpose: a proof that cannot fail is worth nothing.
//!
//! With the feature `sabotage`, a test takes out one of them on its own thread, and the simulated shops must notice.
//! Without that feature every safeguard stands, the question is answered when the program is compiled, and nothing of
//! this is left in it.

macro_rules! safeguards {
    ($($(#[doc = $doc:literal])* $name:ident,)*) => {
        /// What keeps one kind of harm away.
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub enum Safeguard {
            $($(#[doc = $doc])* $name,)*
        }

        #[cfg(feature = "sabotage")]
        impl Safeguard {
            /// All of them, by name.
            pub const ALL: &[(Self, &str)] = &[$((Self::$name, concat!("without-", stringify!($name))),)*];
        }

        /// What a build says of itself from which they can be taken out.
        #[cfg(feature = "sabotage")]
        pub(crate) const SAID: &str = concat!(
            env!("CARGO_PKG_VERSION"),
            ", for tests:",
            $(" without-", stringify!($name),)*
        );
    };
}

safeguards! {
    /// An intent is written down before its call goes out (X1).
    IntentBeforeCall,
    /// An intent is closed by proof, not by hope (X1).
    ClosedByProof,
    /// Lists of orders are read from a little before the cursor (Y1).
    Overlap,
    /// The cursor of orders moves in one transaction with what was read up to it (Y1).
    CursorWithLines,
    /// What is applied already is not owed any more (P3).
    OwedLessApplied,
    /// What was in an order before its link is no sale of ours (W1).
    Baseline,
    /// One adjustment of a source listing is open at a time (X1).
    OneOpenIntent,
    /// Units that are sold and not taken off yet are spoken for (O1).
    Claims,
    /// A missing number is no number (P5).
    MissingIsNotZero,
    /// Nothing is raised while the source is not read or an adjustment is not closed (P1, O4).
    DoubtNeverRaises,
    /// Where the number moved meanwhile, it is read and decided again (X7).
    StaleIsReadAgain,
    /// Each item of a batch has its own outcome (Y6).
    OutcomePerItem,
    /// A repeated call looks for the mark of the first one (X4).
    MarkIsLookedFor,
    /// Units that are missing without an order are waited for (R3).
    Grace,
    /// A plan that was overtaken is not carried out (Y8).
    NewestWins,
    /// The first push waits for the owner (H1).
    FirstPushIsHeld,
}

/// Tells whether a safeguard stands.
#[cfg(not(feature = "sabotage"))]
#[inline]
pub(crate) const fn stands(_: Safeguard) -> bool {
    true
}

#[cfg(feature = "sabotage")]
thread_local! {
    static OUT: std::cell::Cell<Option<Safeguard>> = const { std::cell::Cell::new(None) };
}

/// Tells whether a safeguard stands.
#[cfg(feature = "sabotage")]
pub(crate) fn stands(safeguard: Safeguard) -> bool {
    OUT.get() != Some(safeguard)
}

/// Does some work without a safeguard, on this thread.
#[cfg(feature = "sabotage")]
pub fn without<T>(safeguard: Safeguard, work: impl FnOnce() -> T) -> T {
    OUT.set(Some(safeguard));
    let done = work();
    OUT.set(None);
    done
}
