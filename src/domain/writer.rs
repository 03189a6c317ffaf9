//! Whose state it is (I2): what a state leaves at the source when it writes there, and what is to be made of a trace that
//! is found.
//!
//! Two states that take the same sales off one source take them off twice. Neither can see the other, but both see what
//! was left at the source.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// A state, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    /// What tells it from any other state.
    pub state: String,
    /// Moves with every run that changes the source.
    pub counter: u64,
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.state, self.counter)
    }
}

impl FromStr for Writer {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (state, counter) = text.split_once(':').ok_or(())?;
        Ok(Self { state: state.to_owned(), counter: counter.parse().map_err(|_| ())? })
    }
}

/// What a state left at the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Which state, and how far it was then.
    pub writer: Writer,
    /// The key of the call that left it, where it was left with the numbers themselves.
    pub call: Option<String>,
    /// What tells it from a later one, opaque to all but the adapter.
    pub version: Option<String>,
}

impl Writer {
    /// Makes the key of a call, from which [`Trace::of_key`] tells who sent it.
    pub fn key(&self, fresh: &str) -> String {
        format!("{self}:{fresh}")
    }
}

impl Trace {
    /// Reads the key of a call; `None` where no state made it.
    pub fn of_key(key: &str) -> Option<Self> {
        let (writer, _) = key.rsplit_once(':')?;
        Some(Self { writer: writer.parse().ok()?, call: Some(key.to_owned()), version: None })
    }
}

/// Whose a trace is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// This state's own, or one that the owner has decided about.
    Ours,
    /// This state's own, of a run that it knows nothing of: it is an old copy, or another copy of it is in use.
    OurFuture,
    /// Another state's.
    Anothers,
}

/// Tells whose a trace is. `settled` are the states that the owner has decided about, each with how far it was then;
/// `knows_call` tells whether the call that left the trace stands in this state.
pub fn whose(trace: &Trace, ours: &Writer, settled: &BTreeMap<String, u64>, knows_call: bool) -> Whose {
    let Writer { state, counter } = &trace.writer;
    if settled.get(state).is_some_and(|last| counter <= last) {
        return Whose::Ours;
    }
    match *state == ours.state {
        false => Whose::Anothers,
        // A copy that counts for itself comes to the same numbers, but not to the same calls.
        true if *counter <= ours.counter && knows_call => Whose::Ours,
        true => Whose::OurFuture,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(key: &str) -> Trace {
        Trace::of_key(key).unwrap()
    }

    // proves I2: a trace is ours up to our own counter and by a call that we made; any other is not.
    #[test]
    fn a_trace_tells_whose_it_is() {
        let ours = Writer { state: "a".into(), counter: 5 };
        let told = |key: &str, knows: bool| whose(&trace(key), &ours, &BTreeMap::new(), knows);
        assert_eq!(told("a:5:k", true), Whose::Ours);
        assert_eq!(told("a:6:k", true), Whose::OurFuture);
        assert_eq!(told("a:5:k", false), Whose::OurFuture, "a copy has come as far by other calls");
        assert_eq!(told("b:1:k", true), Whose::Anothers);
    }

    // proves I2: what the owner has decided about is no question again, and what comes after it is.
    #[test]
    fn a_settled_trace_is_no_question_again() {
        let ours = Writer { state: "a".into(), counter: 9 };
        let settled = BTreeMap::from([("b".to_owned(), 7), ("a".to_owned(), 9)]);
        let told = |key: &str| whose(&trace(key), &ours, &settled, false);
        assert_eq!((told("b:7:k"), told("a:9:k")), (Whose::Ours, Whose::Ours));
        assert_eq!((told("b:8:k"), told("a:10:k")), (Whose::Anothers, Whose::OurFuture));
    }

    #[test]
    fn a_key_tells_who_made_it() {
        let writer = Writer { state: "a-1".into(), counter: 12 };
        let key = writer.key("k-9");
        assert_eq!(trace(&key).writer, writer);
        for other in ["", "deduction", "a:b", "a:b:c", "c0193-7"] {
            assert_eq!(Trace::of_key(other), None, "{other}");
        }
    }
}
