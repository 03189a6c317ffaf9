//! Progress bars, one a channel, at a terminal only.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::domain::ChannelName;
use crate::engine::{Progress, Stage};

/// Shows how far each lane is.
#[derive(Default)]
pub struct Bars {
    all: MultiProgress,
    bars: Mutex<BTreeMap<ChannelName, ProgressBar>>,
}

impl Bars {
    /// Takes the bars off the screen.
    pub fn clear(&self) {
        for bar in self.bars.lock().unwrap_or_else(PoisonError::into_inner).values() {
            bar.finish_and_clear();
        }
        // Nobody can do anything about a screen that cannot be cleared.
        let _ = self.all.clear();
    }
}

impl Progress for Bars {
    fn lane(&self, channel: &ChannelName, stage: Stage, items: usize) {
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = bars.entry(channel.clone()).or_insert_with(|| {
            let bar = self.all.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:<16} {msg}") {
                bar.set_style(style);
            }
            bar.set_prefix(channel.to_string());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        let words = match stage {
            Stage::Listings => format!("reading listings: {items}"),
            Stage::Orders => format!("reading orders: {items}"),
            Stage::Quantities => format!("reading quantities: {items}"),
            Stage::Deducting => "taking sales off".to_owned(),
            Stage::Pushing => format!("updating {items} listings"),
            Stage::Done => "done".to_owned(),
        };
        bar.set_message(words);
    }
}
