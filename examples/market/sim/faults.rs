//! A plan of trouble: which calls go wrong, how, and how often.
//!
//! Rules are looked at in the order in which they were made; every rule that matches a call adds its trouble to it.

use std::time::Duration;

use jiff::SignedDuration;

use super::Operation;
use super::dice::Dice;

/// What goes wrong with a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Trouble {
    /// Nobody listens: surely nothing was sent.
    Unreachable,
    /// The line breaks before the platform has seen the request.
    LostBefore,
    /// The platform does what was asked, and the answer never arrives.
    LostAfter,
    /// The platform takes its time, then does what was asked and answers, whether the client still waits or not.
    Slow(Duration),
    /// The platform does what was asked at once and answers late.
    SlowAnswer(Duration),
    /// The platform does what was asked, and the line breaks in the middle of the answer.
    CutBody,
    /// The platform does what was asked, and half of the answer is missing, with nothing to show for it.
    BrokenJson,
    /// A page for people where JSON was due, with status 200; nothing is done.
    HtmlPage,
    /// An error status; nothing is done.
    Status(u16),
    /// An error status, though what was asked was done.
    StatusAfter(u16),
    /// Status 429, with or without a word on how long to wait; nothing is done.
    TooMany {
        /// The seconds to wait.
        retry_after: Option<u64>,
    },
    /// The platform's own word for a refusal of the whole call, such as Shopify's `THROTTLED`; nothing is done.
    Word(&'static str),
    /// The platform's own word for a refusal of what is to be written; nothing is done.
    Refuse(&'static str),
    /// The token is refused this once.
    TokenRefused,
    /// The account lacks this permission this once.
    Denied(&'static str),
    /// Numbers are those of so long ago.
    Stale(Duration),
    /// Records change while the list is read, just before this page of it.
    Drift,
    /// Numbers are missing from the answer.
    NoNumbers,
    /// The Date header is wrong by so much.
    WrongClock(SignedDuration),
}

/// Which calls a trouble befalls.
#[derive(Clone, Debug)]
pub struct Rule {
    trouble: Trouble,
    shop: Option<String>,
    operation: Option<String>,
    writing: Option<bool>,
    skip: usize,
    times: usize,
    chance: f64,
}

/// All rules, and what is left of them.
#[derive(Default)]
pub struct Faults {
    rules: Vec<Rule>,
    struck: usize,
}

impl Rule {
    /// Befalls the next call that matches.
    pub fn once(trouble: Trouble) -> Self {
        Self { trouble, shop: None, operation: None, writing: None, skip: 0, times: 1, chance: 1.0 }
    }

    /// Befalls every call that matches.
    pub fn always(trouble: Trouble) -> Self {
        Self { times: usize::MAX, ..Self::once(trouble) }
    }

    /// Befalls the calls that match with this probability.
    pub fn sometimes(chance: f64, trouble: Trouble) -> Self {
        Self { chance, ..Self::always(trouble) }
    }

    /// Befalls at most so many calls.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// Leaves the first calls that match in peace.
    #[must_use]
    pub fn after(mut self, calls: usize) -> Self {
        self.skip = calls;
        self
    }

    /// Matches only calls of this operation, by the name that [`Call`](super::Call) shows.
    #[must_use]
    pub fn on(mut self, operation: &str) -> Self {
        self.operation = Some(operation.into());
        self
    }

    /// Matches only calls to this shop.
    #[must_use]
    pub fn at(mut self, shop: &str) -> Self {
        self.shop = Some(shop.into());
        self
    }

    /// Matches only calls that write.
    #[must_use]
    pub fn writing(mut self) -> Self {
        self.writing = Some(true);
        self
    }

    /// Matches only calls that read.
    #[must_use]
    pub fn reading(mut self) -> Self {
        self.writing = Some(false);
        self
    }

    fn matches(&self, shop: &str, operation: &Operation) -> bool {
        self.shop.as_ref().is_none_or(|wanted| wanted == shop)
            && self.operation.as_ref().is_none_or(|wanted| *wanted == operation.name)
            && self.writing.is_none_or(|wanted| wanted == operation.writing)
    }

    /// Tells whether the rule strikes now, and counts.
    fn strikes(&mut self, dice: &mut Dice) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        let strikes = self.times > 0 && (self.chance >= 1.0 || dice.happens(self.chance));
        if strikes {
            self.times -= 1;
        }
        strikes
    }
}

impl Faults {
    /// Adds a rule.
    pub fn add(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    /// Forgets all rules.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Draws what befalls a call.
    pub fn draw(&mut self, shop: &str, operation: &Operation, dice: &mut Dice) -> Vec<Trouble> {
        let mut troubles = Vec::new();
        for rule in self.rules.iter_mut().filter(|rule| rule.matches(shop, operation)) {
            if rule.strikes(dice) {
                troubles.push(rule.trouble.clone());
            }
        }
        self.struck += troubles.len();
        troubles
    }

    /// Counts how often a trouble struck since the rules were forgotten last.
    pub fn struck(&self) -> usize {
        self.struck
    }
}
