//! What a run tells a shop owner: what was sold, what followed, what waits, and what to do next.

use crate::domain::{Hold, HoldWhy, Level};
use crate::engine::standing::how_to_release;
use crate::engine::{Adjusted, Deduction, KeptReport, LaneEnd, PushEnd, PushReport, Report, SaleReport, Trouble};

use super::Ui;

/// The most rows of a list on the screen; the rest is counted.
const MOST: usize = 40;

/// Tells a run in full.
pub fn report_text(ui: &Ui, report: &Report, dry: bool) -> String {
    let mut parts = Vec::new();
    parts.extend(lanes(report));
    parts.extend(list("Sold", report.sales.iter().map(sale)));
    let heading = if dry { "Would be changed on the source" } else { "Changed on the source" };
    parts.extend(list(heading, report.deductions.iter().map(deduction)));
    parts.extend(pushes(ui, report, dry));
    parts.extend(list("Renewed for a fee", report.renewed.iter().map(trouble_text)));
    parts.extend(list("Not put back", report.kept.iter().map(kept)));
    parts.extend(holds(report));
    parts.extend(list("To look at", report.troubles.iter().map(trouble_text)));
    parts.extend(list_of_limits(&report.limits));
    parts.push(sentence(report, dry));
    parts.join("\n\n")
}

/// Tells a run in one line.
pub fn sentence(report: &Report, dry: bool) -> String {
    let run = report.run.map_or_else(|| "Dry run".to_owned(), |run| format!("Run {}", run.0));
    let more = if report.cut_short { "; new sales kept coming in, the next run goes on" } else { "" };
    let unwritten = if dry { ". Nothing was written" } else { "" };
    format!("{run}: {}{more}{unwritten}", report.summary())
}

fn list(heading: &str, lines: impl ExactSizeIterator<Item = String>) -> Option<String> {
    let all = lines.len();
    let mut text: Vec<String> = lines.take(MOST).map(|line| format!("  {line}")).collect();
    if all > MOST {
        text.push(format!("  … and {} more (--json has all)", all - MOST));
    }
    (!text.is_empty()).then(|| format!("{heading}\n{}", text.join("\n")))
}

fn lanes(report: &Report) -> Option<String> {
    let bad: Vec<String> = report
        .lanes
        .iter()
        .filter_map(|lane| match &lane.end {
            LaneEnd::Failed(error) => {
                let next = on_its_own_line(error.next.as_ref());
                Some(format!("{} could not be used: {error}{next}", lane.channel))
            }
            LaneEnd::Late => Some(format!("{} did not answer in time; the next run goes on with it", lane.channel)),
            LaneEnd::Off => {
                let next = on_its_own_line(Some(&"`inventory_sync = true` in channels.toml switches it on".to_owned()));
                Some(format!("{} is switched off: nothing is written to it{next}", lane.channel))
            }
            LaneEnd::Complete => None,
        })
        .collect();
    list("Channels", bad.into_iter())
}

fn sale(sale: &SaleReport) -> String {
    let sku = sale.sku.as_ref().map_or("something without a SKU", |sku| sku.as_str());
    let what = if sale.units < 0 {
        format!("{} × {sku} came back on {}, order {}", -sale.units, sale.channel, sale.order)
    } else {
        format!("{} × {sku} on {}, order {}", sale.units, sale.channel, sale.order)
    };
    match sale.held {
        Some(why) => format!("{what} (waits: {why})"),
        None if sale.older => {
            format!("{what} (placed before eys first read {}: not taken off the source)", sale.channel)
        }
        None if !sale.counts => format!("{what} (not linked: not taken off the source)"),
        None => what,
    }
}

fn deduction(deduction: &Deduction) -> String {
    let sku = deduction.sku.as_ref().map_or_else(|| deduction.listing.key.to_string(), ToString::to_string);
    let orders: Vec<String> = deduction.orders.iter().map(|(channel, order)| format!("{channel} {order}")).collect();
    let what = format!("{sku}: {} → {}", deduction.from, deduction.to);
    let why = if orders.is_empty() { String::new() } else { format!("  for {}", orders.join(", ")) };
    match &deduction.end {
        Adjusted::Planned | Adjusted::Applied => format!("{what}{why}"),
        Adjusted::Pending(reason) => format!("{what}{why}  (not confirmed: {reason})"),
        Adjusted::InDoubt => format!("{what}{why}  (in doubt)"),
    }
}

fn pushes(ui: &Ui, report: &Report, dry: bool) -> Option<String> {
    if report.pushes.is_empty() {
        return None;
    }
    let mut pushes: Vec<&PushReport> = report.pushes.iter().collect();
    pushes.sort_by(|a, b| (&a.sku, &a.listing).cmp(&(&b.sku, &b.listing)));
    let row = |push: &&PushReport| {
        vec![
            push.sku.as_ref().map_or_else(|| push.listing.key.to_string(), ToString::to_string),
            push.listing.channel.to_string(),
            format!("{} → {}", push.from.map_or("?".to_owned(), |Level(level)| level.to_string()), push.to),
            end(report, &push.end),
            push.why.join("; "),
        ]
    };
    let mut text = ui.table(&["sku", "on", "shows", "", "because"], pushes.iter().take(MOST).map(row).collect());
    if pushes.len() > MOST {
        text.push_str(&format!("\n… and {} more (--json has all)", pushes.len() - MOST));
    }
    let heading = if dry { "Listings that would follow" } else { "Listings that follow" };
    Some(format!("{heading}\n{text}"))
}

fn end(report: &Report, end: &PushEnd) -> String {
    match end {
        PushEnd::Planned => "planned".to_owned(),
        PushEnd::Done => "done".to_owned(),
        PushEnd::Hidden => "hidden".to_owned(),
        PushEnd::Ended => "ended".to_owned(),
        PushEnd::ShownAgain => "shown again".to_owned(),
        PushEnd::Held(hold) if report.unmade.contains(hold) => "would be held".to_owned(),
        PushEnd::Held(hold) => format!("held ({hold})"),
        PushEnd::Refused(why) => format!("refused: {why}"),
        PushEnd::Pending(why) => format!("pending: {why}"),
    }
}

fn kept(kept: &KeptReport) -> String {
    let next = on_its_own_line(kept.next.as_ref());
    format!("{} on {}: {}{next}", kept.name, kept.listing.channel, kept.why)
}

fn holds(report: &Report) -> Option<String> {
    let line = |hold: &Hold| {
        let first = match hold.why {
            HoldWhy::SecondWriter => "stop the other program, then ",
            HoldWhy::Undone => "mend what was wrong, then ",
            _ => "",
        };
        if report.unmade.contains(&hold.id) {
            return format!(
                "{}: {}\n      without --dry-run it is held, and gets the number that releases it",
                hold.channel, hold.note
            );
        }
        if hold.why == HoldWhy::Account {
            return format!("{hold}\n      {}", how_to_release(hold));
        }
        format!("{hold}\n      {first}release it: eys sync --release {}", hold.id)
    };
    let mut text = list("Waiting for your word", report.holds.iter().map(line))?;
    let by_yes = |hold: &&Hold| hold.why.is_released_by_yes() && !report.unmade.contains(&hold.id);
    let (shown, new): (Vec<&Hold>, Vec<&Hold>) = report.holds.iter().filter(by_yes).partition(|hold| hold.reported);
    if !new.is_empty() {
        text.push_str("\n  `--yes` releases none that you were not shown: eys sync, without it, shows them");
    }
    if !shown.is_empty() {
        text.push_str("\n  All that were shown to you before: eys sync --yes");
    }
    Some(text)
}

/// Lists what is wrong or waits.
pub fn list_of_troubles(troubles: &[Trouble]) -> String {
    list("To look at", troubles.iter().map(trouble_text)).unwrap_or_default()
}

/// Lists what limits listings for now.
pub fn list_of_limits(limits: &[Trouble]) -> Option<String> {
    list("Limited for now", limits.iter().map(trouble_text))
}

/// Tells what is wrong or waits, and on a line of its own what to do next.
pub fn trouble_text(trouble: &Trouble) -> String {
    let channel = trouble.channel.as_ref().map(ToString::to_string);
    let about: Vec<String> = channel.into_iter().chain(trouble.listing.clone()).collect();
    let about = if about.is_empty() { String::new() } else { format!("{}: ", about.join(", ")) };
    let next = on_its_own_line(trouble.next.as_ref());
    format!("{about}{}{next}", trouble.message)
}

fn on_its_own_line(next: Option<&String>) -> String {
    next.map_or_else(String::new, |next| format!("\n      next: {next}"))
}
