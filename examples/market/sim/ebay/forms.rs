//! What may stand in a Trading request, and in which order (1.6).
//!
//! Trading reads its requests by a sequence: an element that stands too late, or that it does not know, refuses the
//! whole call. These are the parts of each call that are played; a test holds them against the official schema.

use jiff::Timestamp;

use super::xml::Node;

/// An element that may stand in a request.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub holds: Holds,
    /// Whether it may stand more than once.
    pub often: bool,
    /// Whether it must be there.
    pub needed: bool,
}

/// What an element holds.
#[derive(Clone, Copy, Debug)]
pub enum Holds {
    /// Any text.
    Text,
    /// A whole number.
    Number,
    /// A yes or no.
    Flag,
    /// A moment.
    Time,
    /// Other elements.
    Parts(&'static [Part]),
}

const fn part(name: &'static str, holds: Holds) -> Part {
    Part { name, holds, often: false, needed: false }
}

const fn text(name: &'static str) -> Part {
    part(name, Holds::Text)
}

const fn number(name: &'static str) -> Part {
    part(name, Holds::Number)
}

const fn flag(name: &'static str) -> Part {
    part(name, Holds::Flag)
}

const fn needed(name: &'static str) -> Part {
    Part { needed: true, ..flag(name) }
}

const fn moment(name: &'static str) -> Part {
    part(name, Holds::Time)
}

const fn often(part: Part) -> Part {
    Part { often: true, ..part }
}

/// What stands first in every request.
const STANDARD: &[Part] = &[
    often(text("DetailLevel")),
    text("ErrorLanguage"),
    text("MessageID"),
    text("Version"),
    text("ErrorHandling"),
    text("InvocationID"),
    often(text("OutputSelector")),
    text("WarningLevel"),
];

const PAGINATION: &[Part] = &[number("EntriesPerPage"), number("PageNumber")];

const ACTIVE_LIST: &[Part] =
    &[flag("Include"), text("ListingType"), text("Sort"), part("Pagination", Holds::Parts(PAGINATION))];

const EVENTS: &[Part] = &[
    moment("StartTimeFrom"),
    moment("StartTimeTo"),
    moment("EndTimeFrom"),
    moment("EndTimeTo"),
    moment("ModTimeFrom"),
    moment("ModTimeTo"),
    flag("IncludeWatchCount"),
    flag("IncludeVariationSpecifics"),
    flag("HideVariations"),
];

const STATUS: &[Part] = &[text("SKU"), text("ItemID"), text("StartPrice"), number("Quantity")];

const VARIATION: &[Part] = &[text("SKU"), text("StartPrice"), number("Quantity")];

const VARIATIONS: &[Part] = &[often(part("Variation", Holds::Parts(VARIATION)))];

const RELISTED: &[Part] = &[
    text("ItemID"),
    number("Quantity"),
    text("SKU"),
    text("InventoryTrackingMethod"),
    part("Variations", Holds::Parts(VARIATIONS)),
];

const SHOWN: &[Part] = &[
    needed("ShowBidderNoticePreferences"),
    needed("ShowCombinedPaymentPreferences"),
    needed("ShowSellerPaymentPreferences"),
    flag("ShowUnpaidItemAssistancePreference"),
    needed("ShowSellerProfilePreferences"),
    flag("ShowOutOfStockControlPreference"),
];

const UNPAID: &[Part] = &[number("DelayBeforeOpeningDispute"), flag("OptInStatus"), flag("AutoRelist")];

/// The calls that are played, with what may stand in each after the standard parts.
pub const FORMS: [(&str, &[Part]); 9] = [
    ("GetMyeBaySelling", &[part("ActiveList", Holds::Parts(ACTIVE_LIST)), flag("HideVariations")]),
    ("GetSellerEvents", EVENTS),
    (
        "GetItem",
        &[text("ItemID"), flag("IncludeWatchCount"), flag("IncludeItemSpecifics"), text("SKU"), text("VariationSKU")],
    ),
    ("ReviseInventoryStatus", &[often(part("InventoryStatus", Holds::Parts(STATUS)))]),
    ("EndFixedPriceItem", &[text("ItemID"), text("EndingReason"), text("SKU")]),
    ("RelistFixedPriceItem", &[part("Item", Holds::Parts(RELISTED))]),
    ("GetUserPreferences", SHOWN),
    (
        "SetUserPreferences",
        &[part("UnpaidItemAssistancePreferences", Holds::Parts(UNPAID)), flag("OutOfStockControlPreference")],
    ),
    ("GetUser", &[text("ItemID"), text("UserID")]),
];

/// Tells whether a call is played.
pub(super) fn is_played(call: &str) -> bool {
    FORMS.iter().any(|(known, _)| *known == call)
}

/// Tells what of a request a call does not take, if anything.
pub(super) fn misfit(call: &str, request: &Node) -> Option<String> {
    let (_, own) = FORMS.iter().find(|(known, _)| *known == call)?;
    let parts: Vec<Part> = STANDARD.iter().chain(*own).copied().collect();
    sequence_misfit(request, &parts)
}

fn sequence_misfit(node: &Node, parts: &[Part]) -> Option<String> {
    let mut rest = node.children.as_slice();
    for part in parts {
        let count = rest.iter().take_while(|child| child.name == part.name).count();
        if (count > 1 && !part.often) || (count == 0 && part.needed) {
            return Some(format!("{} stands {count} times in {}", part.name, node.name));
        }
        let misfit = rest[..count].iter().find_map(|child| part.misfit(child));
        if misfit.is_some() {
            return misfit;
        }
        rest = &rest[count..];
    }
    rest.first().map(|first| format!("{} is not known in {}, or stands in the wrong place", first.name, node.name))
}

impl Part {
    fn misfit(&self, node: &Node) -> Option<String> {
        let said = node.text.trim();
        let fits = match self.holds {
            Holds::Parts(parts) => return sequence_misfit(node, parts),
            Holds::Text => true,
            Holds::Number => said.parse::<i32>().is_ok(),
            Holds::Flag => matches!(said, "true" | "false" | "1" | "0"),
            Holds::Time => said.parse::<Timestamp>().is_ok(),
        };
        let leaf = node.children.is_empty();
        (!fits || !leaf).then(|| format!("{} does not hold what it is to hold: {said:?}", node.name))
    }
}

impl Part {
    /// Writes an example of it: once, or twice where it may stand often.
    pub fn samples(&self) -> Vec<Node> {
        let sample = match self.holds {
            Holds::Parts(parts) => Node::of(self.name, parts.iter().flat_map(Self::samples)),
            Holds::Text => Node::leaf(self.name, example(self.name)),
            Holds::Number => Node::leaf(self.name, 1),
            Holds::Flag => Node::leaf(self.name, true),
            Holds::Time => Node::leaf(self.name, "2026-11-23T06:00:00.000Z"),
        };
        let sample = if self.name == "StartPrice" { sample.with("currencyID", "USD") } else { sample };
        vec![sample; if self.often { 2 } else { 1 }]
    }
}

/// A text that an element takes which does not take all.
fn example(name: &str) -> &'static str {
    match name {
        "Sort" => "TimeLeft",
        "ListingType" => "FixedPriceItem",
        "EndingReason" => "NotAvailable",
        "InventoryTrackingMethod" => "SKU",
        "StartPrice" => "12.50",
        _ => "text",
    }
}
