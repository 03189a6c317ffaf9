//! What Trading's numbers mean (section 9 of eBay's facts). An unknown one is judged by what Trading says of it: a warning
//! is no failure, a `RequestError` is the listing's, anything else may do better later.

use super::answer::{Error, Head};
use crate::channel::{ChannelError, ErrorKind, Evidence, Repeat, printable};

/// What a failed call of Trading means for the listing it was about.
#[derive(Debug)]
pub(in super::super) enum Refusal {
    /// There was nothing to change: that is what was wanted.
    Nothing,
    /// The variation was taken out of its listing for good: out-of-stock control is off.
    Removed,
    /// The listing was made through the Inventory API, and only that may change it.
    Inventory,
    /// The listing has ended.
    Ended,
    /// The listing, or the variation, is not there.
    Gone,
    /// It is the listing's own fault, in eBay's words.
    Listing(ChannelError),
    /// It is nobody's fault in particular, or everybody's: no other call would fare better.
    Everything(ChannelError),
}

impl Error {
    /// Tells whether it is a remark only.
    pub(super) fn is_remark(&self) -> bool {
        self.severity == "Warning"
    }

    /// Tells whether it names something.
    pub(super) fn names(&self, text: &str) -> bool {
        self.about.iter().any(|about| about.value.as_deref().is_some_and(|value| value.trim() == text))
    }

    fn said(&self) -> String {
        let words = self.long.as_deref().or(self.short.as_deref()).unwrap_or("without a word");
        printable(words, 300)
    }

    fn evidence(&self) -> Evidence {
        Evidence { code: Some(printable(&self.code, 20)), said: Some(self.said()), ..Evidence::default() }
    }

    /// Translates it.
    pub(super) fn refusal(&self, operation: &'static str) -> Refusal {
        let error = |kind, repeat, message: &str| {
            ChannelError::new(kind, repeat, operation, message).with_evidence(self.evidence())
        };
        let inventory = self.said().to_lowercase().contains("inventory-based listing");
        match self.code.as_str() {
            _ if inventory => Refusal::Inventory,
            "21917091" => Refusal::Nothing,
            "21916620" => Refusal::Removed,
            "291" | "21916750" | "1047" => Refusal::Ended,
            "17" | "21676" | "21916799" => Refusal::Gone,
            "518" => Refusal::Everything(
                error(ErrorKind::Throttled, Repeat::Later, "the calls that eBay allows in a day are used up")
                    .with_next(
                        "it goes on by itself when eBay counts anew; a free Application Growth Check raises them",
                    ),
            ),
            "21917053" | "21916984" | "930" | "931" | "932" | "17470" => Refusal::Everything(
                error(ErrorKind::Credentials, Repeat::Never, "eBay refuses the access token")
                    .with_next("`eys doctor` tries it; consent again with `eys auth` if it says so"),
            ),
            "2" => Refusal::Everything(
                error(ErrorKind::Unsupported, Repeat::Never, "eBay no longer supports this call of its Trading API")
                    .with_next("use a newer version of eys"),
            ),
            "5" | "21916254" => {
                Refusal::Everything(error(ErrorKind::Unexpected, Repeat::Never, "eBay does not understand the request"))
            }
            "21916583" => Refusal::Listing(
                self.refused(operation)
                    .with_next("the listing has variations now: run `eys link`, so that they take its place"),
            ),
            _ if self.said().to_lowercase().contains("too many revisions") || self.is_of_the_day() => {
                let error =
                    error(ErrorKind::Throttled, Repeat::Later, "eBay takes no more changes of this listing today");
                Refusal::Listing(
                    error.with_next("it goes on by itself tomorrow: a listing may be revised 250 times a day"),
                )
            }
            _ if self.class == "RequestError" => {
                let next = "look at the listing in Seller Hub: eBay's words name what it wants changed";
                Refusal::Listing(self.refused(operation).with_next(next))
            }
            _ => Refusal::Everything(error(ErrorKind::Unavailable, Repeat::Later, "eBay fails")),
        }
    }

    /// Tells whether it is the limit of 250 revisions a day, for which no number is known.
    fn is_of_the_day(&self) -> bool {
        let said = self.said().to_lowercase();
        said.contains("250") && said.contains("revis")
    }

    fn refused(&self, operation: &'static str) -> ChannelError {
        let message = format!("eBay refuses it: {}", self.said());
        let evidence = Evidence { said: None, ..self.evidence() };
        ChannelError::new(ErrorKind::Refused, Repeat::Never, operation, message).with_evidence(evidence)
    }
}

impl Head {
    /// Returns what failed, where something did. An answer that failed without a word is eBay's own failure.
    pub(super) fn failure(&self, operation: &'static str) -> Option<Refusal> {
        match self.ack.as_str() {
            "Success" | "Warning" => None,
            _ => {
                let real = self.errors.iter().find(|error| !error.is_remark()).or(self.errors.first());
                Some(real.map_or_else(
                    || Refusal::Everything(ChannelError::unexpected(operation, "eBay failed without a word")),
                    |error| error.refusal(operation),
                ))
            }
        }
    }
}

impl Refusal {
    /// Makes an error of it, where a call has no better use for what it means.
    pub(in super::super) fn error(self, operation: &'static str) -> ChannelError {
        let refused = |message: &str, next: &str| {
            ChannelError::new(ErrorKind::Refused, Repeat::Never, operation, message).with_next(next)
        };
        match self {
            Self::Listing(error) | Self::Everything(error) => error,
            Self::Nothing => refused("there was nothing to change", "nothing"),
            Self::Removed => removed(operation),
            Self::Inventory => refused(
                "the listing was made through eBay's Inventory API, and its offer cannot be found there",
                "look in the program that made the listing whether its offer is still published",
            ),
            Self::Ended => {
                refused("the listing has ended", "put it up again in Seller Hub; `eys link` proposes the new one")
            }
            Self::Gone => ChannelError::new(ErrorKind::NotFound, Repeat::Never, operation, "the listing is not there"),
        }
    }
}

/// Makes the alarm of a variation that eBay removed: it will not come back by itself.
pub(super) fn removed(operation: &'static str) -> ChannelError {
    let message = "eBay REMOVED this variation from its listing when it got to 0, because out-of-stock control is off";
    let next = "switch out-of-stock control on (`eys doctor --fix`), then add the variation again in Seller Hub";
    ChannelError::new(ErrorKind::Refused, Repeat::Never, operation, message)
        .with_next(next)
        .with_evidence(Evidence { code: Some("21916620".to_owned()), ..Evidence::default() })
}
