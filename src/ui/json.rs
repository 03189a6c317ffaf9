//! A run as JSON. Within a schema's number, keys are only ever added.

use serde_json::{Map, Value, json};

use crate::domain::HoldId;
use crate::engine::{Adjusted, LaneEnd, PushEnd, Report, Trouble};

/// Returns the body of `eys.sync.1`.
pub fn report_json(report: &Report, dry: bool) -> Map<String, Value> {
    // What a dry run came to has no number yet.
    let number = |hold: HoldId| (!report.unmade.contains(&hold)).then(|| hold.to_string());
    let body = json!({
        "run": report.run.map(|run| run.0),
        "dry_run": dry,
        "began": report.began.to_string(),
        "ended": report.ended.to_string(),
        "summary": report.summary(),
        "channels": report.lanes.iter().map(|lane| json!({
            "channel": lane.channel,
            "role": lane.role,
            "end": match &lane.end {
                LaneEnd::Complete => "complete",
                LaneEnd::Failed(_) => "failed",
                LaneEnd::Late => "late",
                LaneEnd::Off => "off",
            },
            "error": match &lane.end {
                LaneEnd::Failed(error) => json!({
                    "kind": format!("{:?}", error.kind).to_lowercase(),
                    "channel": lane.channel,
                    "listing": null,
                    "message": error.to_string(),
                    "next": error.next,
                }),
                _ => Value::Null,
            },
            "orders": lane.orders,
            "readings": lane.readings,
            "jobs": lane.calls,
            "writes": lane.writes,
        })).collect::<Vec<_>>(),
        "sales": report.sales.iter().map(|sale| json!({
            "channel": sale.channel,
            "order": sale.order,
            "sku": sale.sku,
            "units": sale.units,
            "counts": sale.counts,
            "older": sale.older,
            "held": sale.held,
        })).collect::<Vec<_>>(),
        "deductions": report.deductions.iter().map(|deduction| json!({
            "channel": deduction.listing.channel,
            "listing": deduction.listing.key,
            "sku": deduction.sku,
            "from": deduction.from,
            "to": deduction.to,
            "orders": deduction.orders.iter().map(|(channel, order)| json!({ "channel": channel, "order": order })).collect::<Vec<_>>(),
            "intent": deduction.intent.map(|intent| intent.to_string()),
            "state": match &deduction.end {
                Adjusted::Planned => "planned",
                Adjusted::Applied => "applied",
                Adjusted::Pending(_) => "pending",
                Adjusted::InDoubt => "in_doubt",
            },
        })).collect::<Vec<_>>(),
        "pushes": report.pushes.iter().map(|push| json!({
            "channel": push.listing.channel,
            "listing": push.listing.key,
            "sku": push.sku,
            "title": push.title,
            "from": push.from,
            "to": push.to,
            "why": push.why,
            "state": match &push.end {
                PushEnd::Planned => "planned",
                PushEnd::Done => "done",
                PushEnd::Hidden => "hidden",
                PushEnd::Ended => "ended",
                PushEnd::ShownAgain => "shown_again",
                PushEnd::Held(_) => "held",
                PushEnd::Refused(_) => "refused",
                PushEnd::Pending(_) => "pending",
            },
            "hold": match &push.end { PushEnd::Held(hold) => number(*hold), _ => None },
            "message": match &push.end { PushEnd::Refused(why) | PushEnd::Pending(why) => Some(why), _ => None },
        })).collect::<Vec<_>>(),
        "kept": report.kept.iter().map(|kept| json!({
            "channel": kept.listing.channel,
            "listing": kept.listing.key,
            "name": kept.name,
            "why": kept.why,
            "next": kept.next,
        })).collect::<Vec<_>>(),
        "unchanged": report.unchanged,
        "holds": report.holds.iter().map(|hold| json!({
            "id": number(hold.id),
            "channel": hold.channel,
            "why": hold.why,
            "since": hold.since.to_string(),
            "note": hold.note,
            "next": number(hold.id).map(|id| format!("eys sync --release {id}")),
        })).collect::<Vec<_>>(),
        "renewed": troubles_json(&report.renewed),
        "problems": troubles_json(&report.troubles),
        "limited": troubles_json(&report.limits),
    });
    match body {
        Value::Object(body) => body,
        _ => Map::new(),
    }
}

/// Returns what is wrong or waits, an object each.
pub fn troubles_json(troubles: &[Trouble]) -> Value {
    let one = |trouble: &Trouble| {
        json!({
            "kind": trouble.code,
            "channel": trouble.channel,
            "listing": trouble.listing,
            "message": trouble.message,
            "next": trouble.next,
        })
    };
    troubles.iter().map(one).collect()
}
